"""What reporter and office say to each other, through the channel that only the receipt code opens."""

import hashlib
import re
import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server.audit.services import record
from server.cases import rules as case_rules
from server.cases import services as cases
from server.cases.giveaway import Hint
from server.cases.models import Case, CaseClock, CaseEvent, CaseReport
from server.cases.rules import Finding, Sight, State, Step, Term
from server.core.clock import Clock
from server.core.db import Facts
from server.core.errors import Conflict, Forbidden, NotFound, TooMany
from server.feedback.models import AnswerRead, Message, Satisfaction
from server.feedback.rules import MOST_MESSAGES, WAITS_FOR, Happened, line, objection_ends, upcoming
from server.identity.rules import Actor, Role
from server.intake.models import Addition, Medium, Report, ReporterChannel
from server.intake.services import media_of, received_at_of
from server.notices import services as notices

ENDING_STEPS = (Step.REFUSE, Step.REDIRECT, Step.HAND_OVER)
ENDED_STATES = frozenset({State.REFUSED, State.REDIRECTED, State.HANDED_OVER, State.OBJECTED, State.ARCHIVED})
ACCESS_KEY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Channel:
    """What a receipt opens. `report_id` is None until the worker has opened the submission."""

    submission_id: uuid.UUID
    report_id: uuid.UUID | None


def open_channel(session: Session, access_key: str) -> Channel:
    """The channel of an access key (hex). Raises NotFound, the same for all keys that open nothing."""
    found = None
    if ACCESS_KEY.fullmatch(access_key):
        receipt_hash = hashlib.sha256(access_key.encode("ascii")).hexdigest()
        found = session.get(ReporterChannel, receipt_hash)
    if found is None:
        raise NotFound(
            "receipt.unknown", "No report has this code. Please compare it with what you wrote down."
        )
    return Channel(found.submission_id, found.report_id)


def receipt(session: Session, clock: Clock, channel: Channel) -> Facts:
    """What the reporter reads (ReceiptSchema): of the own report and its answer, nothing of anybody else."""
    media = media_of(session, [channel.submission_id]).get(channel.submission_id, [])
    arrived = _arrived(media)
    report = session.get(Report, channel.report_id) if channel.report_id else None
    if report is None:
        received_at = received_at_of(session, channel.submission_id)
        assert received_at is not None  # the channel was written with its submission
        return _without_case(None, received_at, arrived, [])
    case = cases.case_of(session, report.id)
    if case is None:
        messages = conversation(session, [report.id])[report.id]
        return _without_case(report.number, report.received_at, arrived, messages)
    joined_at = _joined_at(session, report.id, case.id)
    state, finding = State(case.state), Finding(case.finding) if case.finding else None
    happened = [
        Happened(Step(step), at)
        for step, at in session.execute(
            sa.select(CaseEvent.step, CaseEvent.at)
            .where(CaseEvent.case_id == case.id, CaseEvent.late.is_(False))
            .order_by(CaseEvent.at, CaseEvent.id)
        )
    ]
    satisfaction = session.get(Satisfaction, report.id)
    code = upcoming(state, finding, happened)
    return {
        "number": report.number,
        "received_at": report.received_at,
        "steps": line(state, finding, happened, report.received_at, joined_at),
        "next": {"code": code, "by": _by(session, case, state)} if code else None,
        "known_before": _known_before(session, report, case),
        "extension": _extension(session, case, joined_at),
        "reply": _answer(session, case, joined_at),
        "objection": _objection(session, clock, report, case, joined_at),
        "withdrawn_at": _said_at(session, report, case, Step.WITHDRAW),
        "may_withdraw": case_rules.possible(cases.facts_of(session, case), case_rules.BY_STEP[Step.WITHDRAW]),
        "messages": conversation(session, [report.id])[report.id],
        "satisfaction": satisfaction,
        "media": arrived,
    }


def add_message(
    session: Session,
    clock: Clock,
    report_id: uuid.UUID,
    message_id: uuid.UUID,
    text: str,
    author: Actor | None,
) -> Message:
    """Keep a message once; the id is the sender's. Raises Conflict when the id is taken by another message.

    `author` is None for the reporter.
    """
    author_id = author.person_id if author else None
    if author is None:
        _not_too_many(session, report_id)
    new = session.scalar(
        insert(Message)
        .values(
            id=message_id,
            report_id=report_id,
            at=clock.now(),
            from_reporter=author is None,
            author_id=author_id,
            text=text,
        )
        .on_conflict_do_nothing(index_elements=[Message.id])
        .returning(Message.id)
    )
    message = session.get_one(Message, message_id)
    if (message.report_id, message.author_id, message.text) != (report_id, author_id, text):
        raise Conflict("message.id_taken", "Another message has this id; choose a new one.")
    if new and author is None:
        cases.tell_more(session, clock, report_id, with_media=False)
    return message


def join_more(
    session: Session, clock: Clock, submission_id: uuid.UUID | None = None, report_id: uuid.UUID | None = None
) -> None:
    """What reporters sent later joins the conversation, once; what came before its report does when that is there."""
    new = (
        sa.select(Addition, ReporterChannel.report_id)
        .join(ReporterChannel, ReporterChannel.receipt_hash == Addition.receipt_hash)
        .outerjoin(Message, Message.submission_id == Addition.submission_id)
        .where(ReporterChannel.report_id.is_not(None), Message.id.is_(None))
        .where(
            sa.or_(Addition.submission_id == submission_id, ReporterChannel.report_id == report_id),
        )
    )
    for addition, joined in session.execute(new).all():
        session.execute(
            insert(Message)
            .values(
                id=addition.message_id,
                report_id=joined,
                at=addition.received_at,
                from_reporter=True,
                text=addition.text,
                submission_id=addition.submission_id,
            )
            .on_conflict_do_nothing()
        )
        cases.tell_medium(session, addition.submission_id)
        if joined is not None:
            media = media_of(session, [addition.submission_id])
            cases.tell_more(session, clock, joined, with_media=bool(media))


def conversation(session: Session, report_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Facts]]:
    """The messages of each report, oldest first, each with the media that came with it."""
    rows = session.scalars(
        sa.select(Message).where(Message.report_id.in_(report_ids)).order_by(Message.at, Message.id)
    ).all()
    media = media_of(session, [row.submission_id for row in rows if row.submission_id])
    found: dict[uuid.UUID, list[Facts]] = defaultdict(list)
    for row in rows:
        own = media.get(row.submission_id, []) if row.submission_id else []
        found[row.report_id].append(
            {
                "id": row.id,
                "at": row.at,
                "from_reporter": row.from_reporter,
                "text": row.text,
                "media": own,
                "arrived": _arrived(own),
            }
        )
    return found


def _arrived(media: Sequence[Medium]) -> Facts:
    return {"expected": len(media), "ready": sum(medium.state != "expected" for medium in media)}


def _not_too_many(session: Session, report_id: uuid.UUID) -> None:
    """A conversation has an end: a code that fell into wrong hands must not fill the county's disk."""
    written = sa.select(sa.func.count()).where(Message.report_id == report_id, Message.from_reporter)
    if (session.scalar(written) or 0) >= MOST_MESSAGES:
        raise TooMany("message.too_many", "This conversation is full. Please call the office.")


def write_to_reporter(
    session: Session, clock: Clock, actor: Actor, report_id: uuid.UUID, message_id: uuid.UUID, text: str
) -> Message:
    """The desk asks or tells the reporter something.

    Raises NotFound for whoever does not see the case, Forbidden for all but the desk, Conflict when
    there is no channel.
    """
    case = cases.case_of(session, report_id)
    if case is None:
        raise NotFound()
    facts = cases.facts_of(session, case)
    if case_rules.sight(facts, actor) is not Sight.FULL:
        raise NotFound()
    if not actor.may(Role.DESK, facts.area_path, facts.unit_id):
        raise Forbidden("message.not_yours", "The desk writes to reporters.")
    channel = sa.select(ReporterChannel.receipt_hash).where(ReporterChannel.report_id == report_id)
    if session.scalar(channel) is None:
        raise Conflict("message.no_channel", "This reporter has no receipt code and cannot read messages.")
    message = add_message(session, clock, report_id, message_id, text, actor)
    notices.tell_reporters(session, clock, [session.get_one(Report, report_id).submission_id])
    record(session, clock, actor, "message.write", "report", report_id, message=str(message_id))
    return message


def judge_answer(session: Session, clock: Clock, report_id: uuid.UUID, satisfied: bool, reason: str) -> None:
    """The reporter's word on the reply; the last one counts. Raises Conflict while there is no reply."""
    case = cases.case_of(session, report_id)
    if case is None or case.reply is None:
        raise Conflict("receipt.no_reply", "There is no answer to judge yet.")
    _judge(session, clock, report_id, satisfied, reason)
    unhappy = sa.select(sa.func.count()).where(
        CaseReport.case_id == case.id,
        CaseReport.left_at.is_(None),
        Satisfaction.report_id == CaseReport.report_id,
        Satisfaction.satisfied.is_(False),
    )
    cases.note_satisfaction(session, clock, case.id, bool(session.scalar(unhappy)))


def _judge(session: Session, clock: Clock, report_id: uuid.UUID, satisfied: bool, reason: str) -> None:
    values = {"at": clock.now(), "satisfied": satisfied, "reason": reason}
    upsert = (
        insert(Satisfaction)
        .values(report_id=report_id, **values)
        .on_conflict_do_update(index_elements=[Satisfaction.report_id], set_=values)
        .returning(Satisfaction)
    )
    session.scalars(upsert, execution_options={"populate_existing": True}).one()


def _without_case(number: str | None, received_at: datetime, media: Facts, messages: list[Facts]) -> Facts:
    """The report arrived, and nobody has looked at it yet."""
    return {
        "number": number,
        "received_at": received_at,
        "steps": line(State.REGISTERED, None, [], received_at, received_at),
        "next": {"code": upcoming(State.REGISTERED, None), "by": None},
        "known_before": False,
        "extension": None,
        "reply": None,
        "objection": None,
        "withdrawn_at": None,
        "may_withdraw": False,
        "messages": messages,
        "satisfaction": None,
        "media": media,
    }


def _joined_at(session: Session, report_id: uuid.UUID, case_id: uuid.UUID) -> datetime:
    """When the report came into the case that it is in now."""
    return session.scalars(
        sa.select(CaseReport.joined_at).where(
            CaseReport.report_id == report_id, CaseReport.case_id == case_id, CaseReport.left_at.is_(None)
        )
    ).one()


def _known_before(session: Session, report: Report, case: Case) -> bool:
    """Whether the matter was reported before this report came; by whom, when and how is not for the reader."""
    earlier = (
        sa.select(Report.id)
        .join(CaseReport, CaseReport.report_id == Report.id)
        .where(CaseReport.case_id == case.id, CaseReport.left_at.is_(None), Report.seq < report.seq)
    )
    return session.scalar(sa.select(earlier.exists())) or False


def _extension(session: Session, case: Case, joined_at: datetime) -> Facts | None:
    """The extension of the matter that is in hand: when, why in the leader's words to the reporter, until when."""
    row = session.execute(
        sa.select(CaseEvent.at, CaseEvent.fields["reason"].astext, CaseClock.due_at)
        .outerjoin(
            CaseClock,
            sa.and_(
                CaseClock.case_id == CaseEvent.case_id,
                CaseClock.name == Term.HANDLE,
                CaseClock.ended_at.is_(None),
            ),
        )
        .where(
            CaseEvent.case_id == case.id, CaseEvent.step == Step.GRANT_EXTENSION, CaseEvent.late.is_(False)
        )
        .order_by(CaseEvent.at.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    at, reason, until = row
    return {"at": max(at, joined_at), "reason": reason, "until": until}


def _answer(session: Session, case: Case, joined_at: datetime) -> Facts | None:
    """The last reply, or the reason for which the matter was refused or passed on; None before."""
    if case.reply is not None and case.replied_at is not None:
        at = max(case.replied_at, joined_at)
        return {
            "text": case.reply,
            "at": at,
            "finding": case.finding,
            "ground": None,
            "authority": None,
            "reward": case.reward,
        }
    event = session.scalars(
        sa.select(CaseEvent)
        .where(CaseEvent.case_id == case.id, CaseEvent.step.in_(ENDING_STEPS), CaseEvent.late.is_(False))
        .order_by(CaseEvent.at.desc(), CaseEvent.id.desc())
        .limit(1)
    ).one_or_none()
    if event is None or case.state not in ENDED_STATES:
        return None
    return {
        "text": event.fields["reason"],
        "at": event.at,
        "finding": None,
        "ground": event.fields.get("ground"),
        "authority": event.fields.get("authority"),
        "reward": None,
    }


def note_read(session: Session, clock: Clock, channel: Channel) -> None:
    """The answer was opened with the code: the first time is its delivery, from which an objection's time runs."""
    case = cases.case_of(session, channel.report_id) if channel.report_id else None
    if case is None or channel.report_id is None:
        return
    answer = _answer(session, case, _joined_at(session, channel.report_id, case.id))
    if answer is not None:
        row = {"report_id": channel.report_id, "answered_at": answer["at"], "read_at": clock.now()}
        session.execute(insert(AnswerRead).values(row).on_conflict_do_nothing())


def _objection(
    session: Session, clock: Clock, report: Report, case: Case, joined_at: datetime
) -> Facts | None:
    """Until when the reporter may object to the answer, and when they did; None while there is no answer."""
    answer = _answer(session, case, joined_at)
    if answer is None:
        return None
    read = session.get(AnswerRead, (report.id, answer["at"]))
    until = objection_ends(answer["at"], read.read_at if read else None)
    said_at = _said_at(session, report, case, Step.OBJECT)
    possible = said_at is None and clock.now() <= until
    row = case_rules.BY_STEP[Step.OBJECT]
    return {
        "until": until,
        "said_at": said_at,
        "possible": possible and case_rules.possible(cases.facts_of(session, case), row),
    }


def _said_at(session: Session, report: Report, case: Case, step: Step) -> datetime | None:
    """When this reporter took a step by the code."""
    return session.scalar(
        sa.select(CaseEvent.at)
        .where(
            CaseEvent.case_id == case.id,
            CaseEvent.step == step,
            CaseEvent.fields["report"].astext == report.number,
        )
        .order_by(CaseEvent.at.desc())
        .limit(1)
    )


def object_to_answer(session: Session, clock: Clock, report_id: uuid.UUID, reason: str) -> None:
    """异议: somebody else looks at it again. Again after a lost answer changes nothing.

    Raises Conflict when there is no answer, or its time is over.
    """
    report, case = _own(session, report_id)
    objection = _objection(session, clock, report, case, _joined_at(session, report_id, case.id))
    if objection is None:
        raise Conflict("receipt.no_reply", "There is no answer to judge yet.")
    if objection["said_at"] is not None:
        return
    if not objection["possible"]:
        raise Conflict("receipt.objection_over", "The time for an objection is over.")
    cases.reporter_step(session, clock, case.id, Step.OBJECT, report, {"reason": reason})
    _judge(session, clock, report_id, False, reason)


def withdraw(session: Session, clock: Clock, report_id: uuid.UUID, reason: str) -> None:
    """撤回: the reporter takes the report back; the desk decides whether the matter goes on all the same."""
    report, case = _own(session, report_id)
    if _said_at(session, report, case, Step.WITHDRAW) is None:
        fields = {"reason": reason} if reason else {}
        cases.reporter_step(session, clock, case.id, Step.WITHDRAW, report, fields)


def _own(session: Session, report_id: uuid.UUID) -> tuple[Report, Case]:
    case = cases.case_of(session, report_id)
    if case is None:
        raise Conflict("receipt.not_opened", "Your report has just arrived. Please try again in a minute.")
    return session.get_one(Report, report_id), case


def _by(session: Session, case: Case, state: State) -> datetime | None:
    """When the next step is due; from acceptance on that is the day by which all is to be done."""
    if state not in WAITS_FOR:
        return case.due_at
    return session.scalar(
        sa.select(CaseClock.due_at)
        .where(CaseClock.case_id == case.id, CaseClock.name == WAITS_FOR[state], CaseClock.ended_at.is_(None))
        .limit(1)
    )


@dataclass(frozen=True)
class Preview:
    """What may give a reporter away in a text; parts are {hint, start, end}."""

    parts: list[Facts]
    compared: bool


def preview(
    session: Session, clock: Clock, actor: Actor, case_id: uuid.UUID, text: str, compare: Callable[[], bool]
) -> Preview:
    """Warn before a text is sent. Raises NotFound for whoever does not see the case.

    A unit may not read the reporter's words and must not find them out by trying: it is told only that something
    is a quotation, not what; `compare` says whether it may try once more; each hit leaves a mark.
    """
    case = session.get(Case, case_id)
    seen = case_rules.sight(cases.facts_of(session, case), actor) if case else None
    if case is None or seen is None:
        raise NotFound()
    whole = seen is Sight.FULL
    compared = whole or compare()
    found = cases.given_away(session, case, text, not whole)
    quoted = any(part.hint is Hint.QUOTES for part in found) and compared
    if quoted and not whole:
        record(session, clock, actor, "reply.quotes", "case", case.id)
    shown = [vars(part) for part in found if whole or part.hint is not Hint.QUOTES]
    if quoted and not whole:
        shown.append({"hint": Hint.QUOTES, "start": None, "end": None})
    return Preview(shown, compared)
