"""Sending: the one place where a reporter's contact is opened, for as long as it takes to send."""

import json
import uuid
from datetime import timedelta

import sqlalchemy as sa
import structlog

from server.core.db import Facts
from server.core.tasks import Work
from server.identity.models import Person
from server.identity.rules import Role
from server.identity.services import holders
from server.notices import services
from server.notices.gateways import NotNow, Undeliverable, send_mail, send_push, sms_gateway
from server.notices.models import Delivery, Notice, PushSubscription, ReporterContact
from server.notices.words import words
from storage.sealing import CannotOpen, Purpose

GIVE_UP_AFTER = timedelta(hours=12)
"""Tried until then: older news is no news, and the inbox and the code have it anyway."""

log = structlog.get_logger()


class Off(Exception):
    """The way was switched off, or this county has no such gateway: nothing to send."""


def deliver(work: Work, payload: Facts) -> None:
    """Send one delivery by its way. Done is written with the task, so it is sent once as far as a gateway can tell.

    Raises NotNow, and the task is tried again.
    """
    delivery = work.session.get(Delivery, uuid.UUID(payload["delivery_id"]))
    if delivery is None or delivery.state != "waiting":
        return
    try:
        _WAYS[delivery.channel](work, delivery)
        delivery.state = "sent"
    except Off:
        delivery.state = "void"
    except Undeliverable as fault:
        if fault.gone:
            gone = sa.delete(PushSubscription).where(PushSubscription.id == delivery.subscription_id)
            work.session.execute(gone)
        _failed(work, delivery, fault)
    except NotNow as fault:
        if work.clock.now() - delivery.created_at < GIVE_UP_AFTER:
            raise
        _failed(work, delivery, fault)
    delivery.settled_at = work.clock.now()


def _push(work: Work, delivery: Delivery) -> None:
    browser = work.session.get(PushSubscription, delivery.subscription_id)
    if browser is None:
        raise Off
    keys = {name: str(getattr(browser, name)) for name in ("endpoint", "p256dh", "auth")}
    # Nothing of a case: only in which language to say that there is something new.
    send_push(work.parts.settings, keys, {"v": 1, "lang": browser.lang}, str(delivery.id))


def _mail(work: Work, delivery: Delivery) -> None:
    gateway, notice = work.parts.settings.mail, work.session.get(Notice, delivery.notice_id)
    if gateway is None or notice is None or notice.read_at is not None:
        raise Off
    address = work.session.scalar(sa.select(Person.email).where(Person.id == notice.person_id, Person.active))
    if address is None:
        raise Off
    told = words("zh-CN")
    send_mail(gateway, address, told["staffSubject"], told["staffText"], str(delivery.id))


def _contact(work: Work, delivery: Delivery) -> None:
    """{v: 1, kind: sms | mail, to, lang}: opened here, sent, and forgotten."""
    kept = work.session.get(ReporterContact, delivery.submission_id)
    if kept is None:
        raise Off
    try:
        contact = json.loads(work.parts.keyring.open(Purpose.NOTICE, kept.sealed))
        kind, to, told = str(contact["kind"]), str(contact["to"]), words(str(contact.get("lang")))
    except (CannotOpen, ValueError, KeyError, TypeError):
        raise Undeliverable("contact: unreadable") from None
    settings = work.parts.settings
    sms = sms_gateway(settings)
    if kind == "sms" and sms is not None:
        sms.send(to, told["reporterText"], str(delivery.id))
    elif kind == "mail" and settings.mail is not None:
        send_mail(settings.mail, to, told["reporterSubject"], told["reporterText"], str(delivery.id))
    else:
        raise Off


def _failed(work: Work, delivery: Delivery, fault: Exception) -> None:
    """Keep what the gateway said, and tell the administrators, once until they have read it."""
    delivery.state, delivery.fault = "failed", str(fault)
    log.warning("notice.failed", channel=delivery.channel, fault=str(fault))
    admins = set(holders(work.session, Role.ADMIN, None, None))
    unread = sa.select(Notice.person_id).where(
        Notice.code == "delivery_failed", Notice.read_at.is_(None), Notice.person_id.in_(admins)
    )
    still = admins - set(work.session.scalars(unread))
    # Only into the inbox: what failed must not be told by what failed.
    services.notify(
        work.session, work.clock, still, "delivery_failed", {"channel": delivery.channel}, inbox_only=True
    )


_WAYS = {"push": _push, "mail": _mail, "contact": _contact}
