"""What an inspector sealed on a visit, read after opening: nothing is refused, what is wrong is flagged."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from server.core.db import Facts
from server.intake.rules import Reading, printable

ANSWERS = ("yes", "no", "none")
"""As it should be, not as it should be, does not apply here."""
NOTE_CHARS = 500
NAME_CHARS = 60


@dataclass(frozen=True)
class InspectionFields:
    """The fields of an inspection, and what is wrong with them."""

    visit_id: uuid.UUID | None
    enterprise_id: uuid.UUID | None
    checklist_id: uuid.UUID | None
    answers: list[Facts]
    hazards: list[str]
    signatures: list[Facts]
    started_at: datetime | None
    ended_at: datetime | None
    flags: list[Facts]


def read_inspection(body: Facts, received_at: datetime) -> InspectionFields:
    """Read an inspection. Never raises."""
    reading = Reading(body)
    started_at, ended_at = reading.moment("started_at", received_at), reading.moment("ended_at", received_at)
    if started_at and ended_at and ended_at < started_at:
        reading.flag("ends_before_start", "ended_at")
    signatures = [
        {"name": _words(row, "name"), "role": _words(row, "role")} for row in reading.rows("signatures", 20)
    ]
    if not any(signature["name"] for signature in signatures):
        reading.flag("unsigned", "signatures")
    return InspectionFields(
        visit_id=reading.uuid("visit_id"),
        enterprise_id=reading.uuid("enterprise_id"),
        checklist_id=reading.uuid("checklist_id"),
        answers=_answers(reading),
        hazards=_hazards(reading),
        signatures=signatures,
        started_at=started_at,
        ended_at=ended_at,
        flags=reading.flags,
    )


def compare_with_checklist(answers: Collection[Facts], item_ids: Collection[str]) -> list[Facts]:
    """What does not fit the checklist: answers to items it does not have, and items without an answer."""
    given = [answer["item_id"] for answer in answers]
    strange = sorted(set(given) - set(item_ids))
    open_items = [item for item in item_ids if item not in given]
    reading = Reading({})
    if strange:
        reading.flag("unknown_items", "answers", ", ".join(strange))
    if len(set(given)) != len(given):
        reading.flag("answered_twice", "answers")
    if open_items:
        reading.flag("unanswered", "answers", str(len(open_items)))
    return reading.flags


def _answers(reading: Reading) -> list[Facts]:
    answers = []
    for row in reading.rows("answers"):
        answer = row.get("answer")
        if not isinstance(answer, str) or answer not in ANSWERS:
            reading.flag("unknown_choice", "answers.answer", answer)
            answer = None
        answers.append(
            {
                "item_id": _words(row, "item_id"),
                "answer": answer,
                "note": _words(row, "note", NOTE_CHARS),
                "media": _hashes(row.get("media")),
            }
        )
    return answers


def _hashes(told: object) -> list[str]:
    """Which of the inspection's pictures belong to an answer, by the SHA-256 of their sealed form."""
    return [value for value in told if isinstance(value, str)][:20] if isinstance(told, list) else []


def _hazards(reading: Reading) -> list[str]:
    told = reading.body.get("hazards") or []
    if not isinstance(told, list):
        reading.flag("wrong_type", "hazards", told)
        return []
    hazards = []
    for value in told[:100]:
        try:
            hazards.append(str(uuid.UUID(value)))
        except (ValueError, AttributeError, TypeError):
            reading.flag("wrong_id", "hazards", value)
    return hazards


def _words(row: Facts, name: str, limit: int = NAME_CHARS) -> str:
    value = row.get(name)
    return printable(value).strip()[:limit] if isinstance(value, str) else ""
