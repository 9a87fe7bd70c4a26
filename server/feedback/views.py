"""The reporter's page by receipt, and the desk's side of the conversation."""

import uuid

from flask import request
from flask_smorest import Blueprint

from server.core.db import Facts
from server.core.errors import Conflict, Invalid, NotFound, TooMany
from server.core.web import clock, parts, session
from server.feedback import services, templates
from server.feedback.models import Message
from server.feedback.schemas import (
    ConversationMessageSchema,
    NewMessageSchema,
    ObjectingSchema,
    PreviewQuerySchema,
    PreviewSchema,
    ReceiptSchema,
    SatisfiedSchema,
    SealedContactSchema,
    TemplateSchema,
    WaysSchema,
    WithdrawingSchema,
    WriteTemplateSchema,
)
from server.feedback.services import Channel, Preview
from server.feedback.templates import Template
from server.feedback.throttle import ReceiptDoor, may_compare
from server.identity.access import current_actor, require
from server.identity.rules import Role
from server.intake.rules import printable
from server.notices import services as notices
from server.notices.schemas import BrowserSchema

blueprint = Blueprint(
    "feedback", __name__, url_prefix="/api/v1", description="What reporter and office say to each other"
)

RECEIPT = {
    "in": "header",
    "name": "Authorization",
    "required": True,
    "description": "`Receipt <access key hex>`; the key is derived from the receipt code on the phone",
    "schema": {"type": "string"},
}


@blueprint.get("/receipt")
@blueprint.doc(parameters=[RECEIPT])
@blueprint.response(200, ReceiptSchema)
@blueprint.alt_response(404, description="No report has this code")
def get_receipt() -> Facts:
    """Where the report stands, in the reporter's words"""
    channel = _channel()
    services.note_read(session(), clock(), channel)
    return services.receipt(session(), clock(), channel)


@blueprint.get("/receipt/ways")
@blueprint.doc(parameters=[RECEIPT])
@blueprint.response(200, WaysSchema)
def get_ways() -> Facts:
    """Which ways of being told are switched on"""
    return notices.ways_of(session(), _channel().submission_id)


@blueprint.put("/receipt/contact")
@blueprint.doc(parameters=[RECEIPT])
@blueprint.arguments(SealedContactSchema)
@blueprint.response(200, WaysSchema)
def put_contact(contact: Facts) -> Facts:
    """Where the reporter wants to be told, sealed to the notice key; null: nowhere any more"""
    submission_id = _channel().submission_id
    notices.keep_contact(session(), clock(), submission_id, contact["sealed"])
    return notices.ways_of(session(), submission_id)


@blueprint.put("/receipt/browser")
@blueprint.doc(parameters=[RECEIPT])
@blueprint.arguments(BrowserSchema)
@blueprint.response(200, WaysSchema)
def put_receipt_browser(browser: Facts) -> Facts:
    """Wake this browser when there is news of the report, until its matter is closed"""
    submission_id = _channel().submission_id
    notices.subscribe(session(), clock(), parts().settings, browser, submission_id=submission_id)
    return notices.ways_of(session(), submission_id)


@blueprint.delete("/receipt/browser")
@blueprint.doc(parameters=[RECEIPT])
@blueprint.response(200, WaysSchema)
def delete_receipt_browser() -> Facts:
    """Wake no browser any more for this report"""
    submission_id = _channel().submission_id
    notices.unsubscribe(session(), None, submission_id=submission_id)
    return notices.ways_of(session(), submission_id)


@blueprint.post("/receipt/messages")
@blueprint.doc(parameters=[RECEIPT])
@blueprint.arguments(NewMessageSchema)
@blueprint.response(200, ConversationMessageSchema)
def post_receipt_message(message: Facts) -> Message:
    """The reporter writes to the office; the same id again changes nothing"""
    report_id = _report(_channel())
    return services.add_message(session(), clock(), report_id, message["id"], _words(message["text"]), None)


@blueprint.post("/receipt/satisfaction")
@blueprint.doc(parameters=[RECEIPT])
@blueprint.arguments(SatisfiedSchema)
@blueprint.response(200, ReceiptSchema)
def post_satisfaction(said: Facts) -> Facts:
    """The reporter judges the reply; the last word counts"""
    channel = _channel()
    reason = printable(said["reason"]).strip()
    services.judge_answer(session(), clock(), _report(channel), said["satisfied"], reason)
    return services.receipt(session(), clock(), channel)


@blueprint.post("/receipt/objection")
@blueprint.doc(parameters=[RECEIPT])
@blueprint.arguments(ObjectingSchema)
@blueprint.response(200, ReceiptSchema)
@blueprint.alt_response(409, description="No answer yet, or its time is over")
def post_objection(said: Facts) -> Facts:
    """The reporter objects to the answer: somebody else looks again; once, and again changes nothing"""
    channel = _channel()
    services.object_to_answer(session(), clock(), _report(channel), _words(said["reason"]))
    return services.receipt(session(), clock(), channel)


@blueprint.post("/receipt/withdrawal")
@blueprint.doc(parameters=[RECEIPT])
@blueprint.arguments(WithdrawingSchema)
@blueprint.response(200, ReceiptSchema)
def post_withdrawal(said: Facts) -> Facts:
    """The reporter takes the report back; the desk decides whether the matter goes on"""
    channel = _channel()
    services.withdraw(session(), clock(), _report(channel), printable(said["reason"]).strip())
    return services.receipt(session(), clock(), channel)


@blueprint.post("/reports/<uuid:report_id>/messages")
@blueprint.arguments(NewMessageSchema)
@blueprint.response(200, ConversationMessageSchema)
@blueprint.alt_response(409, description="The reporter has no receipt code")
def post_message(message: Facts, report_id: uuid.UUID) -> Message:
    """The desk writes to the reporter of one report"""
    actor = require(Role.DESK)
    words = _words(message["text"])
    return services.write_to_reporter(session(), clock(), actor, report_id, message["id"], words)


@blueprint.post("/cases/<uuid:case_id>/preview")
@blueprint.arguments(PreviewQuerySchema)
@blueprint.response(200, PreviewSchema)
def post_preview(asked: Facts, case_id: uuid.UUID) -> Preview:
    """What of a text may give away who reported; nothing is kept, and the writer decides"""
    actor = current_actor()
    return services.preview(
        session(),
        clock(),
        actor,
        case_id,
        asked["text"],
        lambda: may_compare(parts().queue, actor.person_id, case_id),
    )


@blueprint.get("/reply-templates")
@blueprint.response(200, TemplateSchema(many=True))
def get_templates() -> list[Template]:
    """Words to begin a reply with: the own units', then the county's"""
    return templates.templates(session(), require(Role.HANDLER, Role.DESK, Role.LEADER))


@blueprint.put("/reply-templates/<uuid:template_id>")
@blueprint.arguments(WriteTemplateSchema)
@blueprint.response(200, TemplateSchema)
@blueprint.alt_response(403, description="Another unit's")
def put_template(written: Facts, template_id: uuid.UUID) -> Template:
    """Write a template under an id that the sender chose"""
    actor = require(Role.HANDLER, Role.DESK)
    return templates.write_template(session(), clock(), actor, template_id, **written)


@blueprint.delete("/reply-templates/<uuid:template_id>")
@blueprint.response(204)
def delete_template(template_id: uuid.UUID) -> None:
    """Remove a template; one of the county's is then as it was at first"""
    templates.remove_template(session(), clock(), require(Role.HANDLER, Role.DESK), template_id)


def _channel() -> Channel:
    """What the receipt opens. Raises NotFound, always with the same words, and TooMany."""
    door = ReceiptDoor(parts().queue, request.remote_addr)
    if wait := door.wait_s():
        raise TooMany("receipt.too_many", "Too many codes that open nothing. Please wait.", retry_after=wait)
    scheme, _, access_key = request.headers.get("Authorization", "").partition(" ")
    try:
        return services.open_channel(session(), access_key.strip() if scheme.lower() == "receipt" else "")
    except NotFound:
        door.missed()
        raise


def _report(channel: Channel) -> uuid.UUID:
    if channel.report_id is None:
        raise Conflict("receipt.not_opened", "Your report has just arrived. Please try again in a minute.")
    return channel.report_id


def _words(text: str) -> str:
    words = printable(text).strip()
    if not words:
        raise Invalid(
            "message.empty", "Please write something first.", fields={"text": "Please write something."}
        )
    return words
