"""Tell people and reporters that there is something new: the inbox at once, other ways by tasks with retries.

No notice carries words of a case to the outside: push, mail and SMS say only that there is something to read.
"""

import uuid
from collections.abc import Iterable
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server.core import tasks
from server.core.clock import Clock
from server.core.db import Facts
from server.core.errors import Invalid
from server.core.ids import new_id
from server.identity.models import Person
from server.notices.gateways import Undeliverable, refuse_foreign
from server.notices.models import Delivery, Notice, PushSubscription, ReporterContact
from server.notices.schemas import NoticeSchema
from server.settings import Settings
from sync import changes

TOPIC = "notice"
DELIVER = "notices.deliver"
MOST_SUBSCRIPTIONS = 10
"""Browsers per person or code; the oldest goes when one more comes."""
INBOX_KEEPS = timedelta(days=180)
LAST_NOTICE_TAKES = timedelta(days=1)
"""How long the ways to a reporter stay after the matter closed, so that the news of it still arrives."""


# ---- people


def notify(
    session: Session,
    clock: Clock,
    person_ids: Iterable[uuid.UUID],
    code: str,
    params: Facts | None = None,
    case_id: uuid.UUID | None = None,
    inbox_only: bool = False,
) -> int:
    """Put a notice into the inbox of each person, and send word of it by the ways they have; how many were told.

    `code` is a word of the staff app's `notice.*`, `params` (JSON) fill its places.
    """
    people = sorted(set(person_ids))
    notices = [
        Notice(person_id=person, at=clock.now(), code=code, params=params or {}, case_id=case_id)
        for person in people
    ]
    session.add_all(notices)
    session.flush()
    _publish(session, notices)
    if notices and not inbox_only:
        _send_word(session, clock, notices)
    return len(notices)


def unread_by(session: Session, people: Iterable[uuid.UUID], case_id: uuid.UUID, code: str) -> set[uuid.UUID]:
    """Which of these people have such a notice of the case and have not read it yet."""
    unread = sa.select(Notice.person_id).where(
        Notice.person_id.in_(list(people)),
        Notice.case_id == case_id,
        Notice.code == code,
        Notice.read_at.is_(None),
    )
    return set(session.scalars(unread))


def mark_read(session: Session, clock: Clock, person_id: uuid.UUID, ids: Iterable[uuid.UUID]) -> int:
    """Mark a person's own notices as read; how many were not before."""
    statement = sa.select(Notice).where(
        Notice.person_id == person_id, Notice.id.in_(list(ids)), Notice.read_at.is_(None)
    )
    unread = session.scalars(statement.order_by(Notice.id).with_for_update()).all()
    for notice in unread:
        notice.read_at = clock.now()
    _publish(session, unread)
    return len(unread)


def _publish(session: Session, notices: Iterable[Notice]) -> None:
    """To each person's own stream, so that phones have the inbox without signal."""
    schema = NoticeSchema()
    told = [(f"person:{notice.person_id}", str(notice.id), schema.dump(notice)) for notice in notices]
    changes.publish_many(session, TOPIC, told)


def _send_word(session: Session, clock: Clock, notices: Iterable[Notice]) -> None:
    """A delivery for each browser of a person, and one by mail where an address is known."""
    notice_of = {notice.person_id: notice.id for notice in notices}
    ways = (
        sa.select(Person.id, Person.email, PushSubscription.id)
        .outerjoin(PushSubscription, PushSubscription.person_id == Person.id)
        .where(Person.id.in_(notice_of))
        .order_by(Person.id, PushSubscription.id)
    )
    mailed: set[uuid.UUID] = set()
    for person_id, email, subscription_id in session.execute(ways).all():
        if subscription_id is not None:
            _deliver(session, clock, "push", notice_id=notice_of[person_id], subscription_id=subscription_id)
        if email and person_id not in mailed:
            mailed.add(person_id)
            _deliver(session, clock, "mail", notice_id=notice_of[person_id])


# ---- reporters


def tell_reporters(session: Session, clock: Clock, submission_ids: Iterable[uuid.UUID]) -> int:
    """Let the senders of these submissions know that there is news; how many messages will go out.

    What is new they read with their code: nothing of it travels.
    """
    submissions = list(submission_ids)
    contacts = session.scalars(
        sa.select(ReporterContact.submission_id).where(ReporterContact.submission_id.in_(submissions))
    ).all()
    for submission_id in contacts:
        _deliver(session, clock, "contact", submission_id=submission_id)
    browsers = session.execute(
        sa.select(PushSubscription.id, PushSubscription.submission_id).where(
            PushSubscription.submission_id.in_(submissions)
        )
    ).all()
    for browser, owner in browsers:
        _deliver(session, clock, "push", submission_id=owner, subscription_id=browser)
    return len(contacts) + len(browsers)


def keep_contact(session: Session, clock: Clock, submission_id: uuid.UUID, sealed: bytes | None) -> None:
    """Where a reporter wants to be told from now on, sealed to the notice key; None: nowhere any more."""
    if sealed is None:
        session.execute(sa.delete(ReporterContact).where(ReporterContact.submission_id == submission_id))
        return
    values = {"sealed": sealed, "set_at": clock.now(), "ends_at": None}
    statement = insert(ReporterContact).values(submission_id=submission_id, **values)
    session.execute(
        statement.on_conflict_do_update(index_elements=[ReporterContact.submission_id], set_=values)
    )


def ways_of(session: Session, submission_id: uuid.UUID) -> Facts:
    """Which ways a reporter has switched on: {contact, push}."""
    contact = sa.exists().where(ReporterContact.submission_id == submission_id)
    push = sa.exists().where(PushSubscription.submission_id == submission_id)
    row = session.execute(sa.select(contact, push)).one()
    return {"contact": row[0], "push": row[1]}


def end_ways(session: Session, clock: Clock, submission_ids: Iterable[uuid.UUID], ended: bool) -> None:
    """The matter of these submissions is closed (or, with `ended` false, open again): their ways go soon, or stay."""
    ids = list(submission_ids)
    ends_at = clock.now() + LAST_NOTICE_TAKES if ended else None
    for table in (ReporterContact, PushSubscription):
        session.execute(sa.update(table).where(table.submission_id.in_(ids)).values(ends_at=ends_at))


# ---- browsers


def subscribe(
    session: Session,
    clock: Clock,
    settings: Settings,
    browser: Facts,
    person_id: uuid.UUID | None = None,
    submission_id: uuid.UUID | None = None,
) -> None:
    """Wake this browser from now on: {endpoint, p256dh, auth, lang}. Doing it again only renews its keys.

    Raises Invalid for an address that is no push service.
    """
    try:
        refuse_foreign(settings, browser["endpoint"])
    except Undeliverable as fault:
        raise Invalid("push.unknown_service", "This browser's push service is not known here.") from fault
    owner = {"person_id": person_id, "submission_id": submission_id}
    keys = {name: browser[name] for name in ("p256dh", "auth", "lang")}
    values = {**owner, **keys, "endpoint": browser["endpoint"], "created_at": clock.now()}
    statement = insert(PushSubscription).values(id=new_id(), **values)
    session.execute(
        statement.on_conflict_do_update(index_elements=["endpoint", "person_id", "submission_id"], set_=keys)
    )
    mine = _of(person_id, submission_id)
    kept = sa.select(PushSubscription.id).where(mine).order_by(PushSubscription.created_at.desc())
    beyond = kept.offset(MOST_SUBSCRIPTIONS)
    session.execute(sa.delete(PushSubscription).where(PushSubscription.id.in_(beyond.scalar_subquery())))


def unsubscribe(
    session: Session,
    endpoint: str | None,
    person_id: uuid.UUID | None = None,
    submission_id: uuid.UUID | None = None,
) -> None:
    """Wake this browser no more; without `endpoint` none of the owner's."""
    gone = sa.delete(PushSubscription).where(_of(person_id, submission_id))
    session.execute(gone if endpoint is None else gone.where(PushSubscription.endpoint == endpoint))


def _of(person_id: uuid.UUID | None, submission_id: uuid.UUID | None) -> sa.ColumnElement[bool]:
    if person_id is not None:
        return PushSubscription.person_id == person_id
    return PushSubscription.submission_id == submission_id


# ---- housekeeping


def tidy(session: Session, clock: Clock) -> None:
    """Remove what is no longer needed: ways of closed matters, and old notices from inboxes and phones."""
    for table in (ReporterContact, PushSubscription):
        session.execute(sa.delete(table).where(table.ends_at <= clock.now()))
    old = sa.select(Notice).where(Notice.at < clock.now() - INBOX_KEEPS).limit(1000)
    for notice in session.scalars(old).all():
        changes.withdraw(session, f"person:{notice.person_id}", TOPIC, str(notice.id))
        session.delete(notice)
    settled = sa.and_(Delivery.state != "waiting", Delivery.created_at < clock.now() - INBOX_KEEPS)
    session.execute(sa.delete(Delivery).where(settled))


def _deliver(
    session: Session,
    clock: Clock,
    channel: str,
    notice_id: uuid.UUID | None = None,
    submission_id: uuid.UUID | None = None,
    subscription_id: uuid.UUID | None = None,
) -> None:
    delivery = Delivery(
        channel=channel,
        notice_id=notice_id,
        submission_id=submission_id,
        subscription_id=subscription_id,
        state="waiting",
        created_at=clock.now(),
    )
    session.add(delivery)
    session.flush()
    tasks.add(session, DELIVER, {"delivery_id": str(delivery.id)})
