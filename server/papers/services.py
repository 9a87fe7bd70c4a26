"""Papers of a case: what its reader may see of it, set in type."""

import io
import json
import uuid
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from server.cases.models import Case
from server.cases.rules import Step, sight
from server.cases.services import facts_of
from server.cases.sheet import case_sheet
from server.core.clock import Clock
from server.core.db import Facts
from server.core.errors import NotFound
from server.identity.rules import Actor
from server.papers.rules import day, letter_number, moment, said, span, strokes, word
from server.reports.case_page import case_page

TEMPLATES = Path(__file__).with_name("templates")
PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@dataclass(frozen=True)
class Paper:
    """A file to keep or to print."""

    name: str
    mime: str
    content: bytes


def letter(session: Session, actor: Actor, case_id: uuid.UUID, event_id: uuid.UUID, form: str) -> Paper:
    """The letter that a step of the case issued, as `pdf` or, to be changed by hand, as `docx`.

    Raises NotFound for whoever does not see it, and for a step that is no letter.
    """
    page = case_page(session, actor, case_id)
    issued = next(
        (one for one in page["history"] if one["id"] == event_id and one["step"] is Step.ISSUE_LETTER), None
    )
    if issued is None:
        raise NotFound()
    fields = issued["fields"]
    facts = {
        "number": letter_number(fields["number"]),
        "unit": page["unit_name"] or "",
        "title": page["title"],
        "case": page["number"],
        "matter": page["matter"],
        "demand": fields["demand"],
        "deadline": day(date.fromisoformat(fields["deadline"])),
        "signed_by": issued["actor_name"],
        "day": day(issued["at"]),
    }
    if form == "pdf":
        return Paper(f"{facts['number']}.pdf", PDF, _set("letter", facts))
    from docxtpl import DocxTemplate  # here, as few requests print and the libraries are large

    template, out = DocxTemplate(TEMPLATES / "letter.docx"), io.BytesIO()
    template.render(facts, autoescape=True)
    template.save(out)
    return Paper(f"{facts['number']}.docx", DOCX, out.getvalue())


def transfer_sheet(session: Session, actor: Actor, case_id: uuid.UUID) -> Paper:
    """转办单: for everybody only what the unit reads (DOMAIN.md §5). Raises NotFound."""
    case = session.get(Case, case_id)
    if case is None or sight(facts_of(session, case), actor) is None:
        raise NotFound()
    page = case_sheet(session, case, facts_of(session, case), [])
    signed = [one for one in page["history"] if one["step"] in (Step.SIGN, Step.SIGN_AFTER)]
    facts = {
        **_head(page),
        "matter": page["matter"],
        "signed": [[one["actor_name"], moment(one["at"])] for one in signed],
    }
    return Paper(f"转办单 {page['number']}.pdf", PDF, _set("sheet", facts))


def history(session: Session, clock: Clock, actor: Actor, case_id: uuid.UUID) -> Paper:
    """来源可查、去向可追、责任可究: all that the reader may see of what happened, and how long it lay with whom.

    Raises NotFound.
    """
    page, now = case_page(session, actor, case_id), clock.now()
    facts = {
        **_head(page),
        "printed": moment(now),
        "events": [
            {
                "at": moment(one["at"]),
                "who": word("actor", one["actor_name"]),
                "what": word("stepDone", one["step"]) + ("（到得晚了，没有生效）" if one["late"] else ""),
                "from": word("state", one["from_state"]),
                "to": word("state", one["to_state"]),
                "said": said(one["fields"]),
                "strokes": strokes(one["fields"]),
                "media": len(one["media"]),
            }
            for one in page["history"]
        ],
        "stays": [
            [
                word("state", stay["state"]),
                stay["unit_name"] or "、".join(word("role", role) for role in stay["roles"]),
                moment(stay["since"]),
                moment(stay["until"]) if stay["until"] else "至今",
                span((stay["until"] or now) - stay["since"]),
            ]
            for stay in page["stays"]
        ],
        "whole": span((page["closed_at"] or now) - page["first_received_at"]),
    }
    return Paper(f"办理经过 {page['number']}.pdf", PDF, _set("history", facts))


def _head(page: Facts) -> Facts:
    """The facts at the head of a paper, without those that are not known."""
    facts = {
        "行业领域": page["sector_no"] and str(page["sector_no"]),
        "风险": page["risk"] and word("risk", page["risk"]),
        "紧急程度": word("case", "urgent") if page["urgent"] else None,
        "单位": page["enterprise"],
        "区域": page["area_name"],
        "责任单位": page["unit_name"],
        "受理": page["accepted_at"] and moment(page["accepted_at"]),
        "办结期限": page["due_at"] and day(page["due_at"]),
        "状态": word("state", page["state"]),
        "核查结论": page["finding"] and word("choice.finding", page["finding"]),
    }
    return {
        "number": page["number"],
        "title": page["title"],
        "facts": [[name, value] for name, value in facts.items() if value],
    }


def _set(template: str, facts: dict[str, Any]) -> bytes:
    """Set in type; the facts go in as data, never as markup."""
    import pylopdf_fonts_zh_cn as fonts  # here, as few requests print and the libraries are large
    import typst

    content: bytes = typst.compile(
        TEMPLATES / f"{template}.typ",
        root=TEMPLATES,
        font_paths=[fonts.serif_path().parent],
        ignore_system_fonts=True,
        sys_inputs={"facts": json.dumps(facts, ensure_ascii=False)},
    )
    return content
