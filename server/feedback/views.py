"""The reporter's page by receipt, and the desk's side of the conversation."""

import uuid

from flask import request
from flask_smorest import Blueprint

from server.core.db import Facts
from server.core.errors import Conflict, Invalid, NotFound, TooMany
from server.core.web import clock, parts, session
from server.feedback import services
from server.feedback.models import Message
from server.feedback.schemas import (
    ConversationMessageSchema,
    NewMessageSchema,
    ReceiptSchema,
    SatisfiedSchema,
)
from server.feedback.services import Channel
from server.feedback.throttle import ReceiptDoor
from server.identity.access import require
from server.identity.rules import Role
from server.intake.rules import printable

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
    return services.receipt(session(), _channel())


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
    return services.receipt(session(), channel)


@blueprint.post("/reports/<uuid:report_id>/messages")
@blueprint.arguments(NewMessageSchema)
@blueprint.response(200, ConversationMessageSchema)
@blueprint.alt_response(409, description="The reporter has no receipt code")
def post_message(message: Facts, report_id: uuid.UUID) -> Message:
    """The desk writes to the reporter of one report"""
    actor = require(Role.DESK)
    words = _words(message["text"])
    return services.write_to_reporter(session(), clock(), actor, report_id, message["id"], words)


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
