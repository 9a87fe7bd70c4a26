"""答复模板: what units begin a reply with. The county's own stand here until its desk writes others."""

import re
import uuid
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.audit.services import record
from server.cases.rules import Finding
from server.core.clock import Clock
from server.core.errors import Forbidden, Invalid, NotFound
from server.feedback.models import ReplyTemplate
from server.identity.models import Area
from server.identity.rules import Actor, Role

PLACEHOLDERS = ("finding", "account", "measures", "enterprise", "unit", "date")
"""What a screen can fill in from the case: 核查结论、核查经过、整改措施、单位名称、责任单位、今天."""


@dataclass(frozen=True)
class Template:
    """A template as people choose it; `mine`: the reader may change it."""

    id: uuid.UUID
    unit_id: uuid.UUID | None
    title: str
    text: str
    finding: str | None
    mine: bool


DEFAULTS: tuple[tuple[str, Finding | None, str], ...] = (
    (
        "属实，已整改",
        Finding.SUBSTANTIATED,
        "您好！您反映的问题，我们已到现场核查，情况{finding}。{account}\n我们已督促整改：{measures}\n"
        "整改已经复查合格。感谢您对安全的关心。\n{unit}\n{date}",
    ),
    (
        "部分属实，已整改",
        Finding.PARTLY,
        "您好！您反映的问题，我们已到现场核查，情况{finding}。{account}\n其中属实的部分已整改：{measures}\n"
        "整改已经复查合格。感谢您对安全的关心。\n{unit}\n{date}",
    ),
    (
        "不属实",
        Finding.UNSUBSTANTIATED,
        "您好！您反映的问题，我们已到现场核查。{account}\n目前没有发现所说的情况。如果您还有照片等线索，"
        "可以凭码补充，我们会再看。感谢您对安全的关心。\n{unit}\n{date}",
    ),
    (
        "无法查实",
        Finding.UNVERIFIABLE,
        "您好！您反映的问题，我们已到现场核查。{account}\n凭现有线索无法查实。如果您还有照片等线索，"
        "可以凭码补充，我们会再看。感谢您对安全的关心。\n{unit}\n{date}",
    ),
)
_NAMESPACE = uuid.UUID("6f0b2a4e-52a5-4c5e-9c0e-8d5a5b7c1e11")
COUNTY: dict[uuid.UUID, Template] = {
    key: Template(key, None, title, text, finding, False)
    for title, finding, text in DEFAULTS
    for key in (uuid.uuid5(_NAMESPACE, title),)
}
"""The county's templates under fixed ids; a row of the same id takes the place of one."""


def templates(session: Session, actor: Actor) -> list[Template]:
    """The templates of the actor's own units, then the county's."""
    units = {grant.unit_id for grant in actor.grants if grant.role is Role.HANDLER and grant.unit_id}
    rows = session.scalars(
        sa.select(ReplyTemplate)
        .where(sa.or_(ReplyTemplate.unit_id.in_(units), ReplyTemplate.unit_id.is_(None)))
        .order_by(ReplyTemplate.unit_id.is_(None), ReplyTemplate.id)
    ).all()
    written = [_shown(session, row, actor) for row in rows]
    changed = {row.id for row in rows}
    desk = _may(session, actor, None)
    defaults = (Template(**vars(one) | {"mine": desk}) for key, one in COUNTY.items() if key not in changed)
    return [*written, *defaults]


def write_template(
    session: Session,
    clock: Clock,
    actor: Actor,
    template_id: uuid.UUID,
    unit_id: uuid.UUID | None,
    title: str,
    text: str,
    finding: Finding | None,
) -> Template:
    """Write a template under the id that the sender chose; again is the same.

    Raises Forbidden for another unit's, Invalid for a placeholder that nothing fills, NotFound for a taken id.
    """
    _may_write(session, actor, unit_id)
    if unknown := sorted(set(re.findall(r"\{([^{}]*)\}", text)) - set(PLACEHOLDERS)):
        raise Invalid(
            "template.placeholder",
            "Some words in braces are no placeholders.",
            fields={"text": f"Use only {', '.join(PLACEHOLDERS)} in braces, not {', '.join(unknown)}."},
        )
    row = session.get(ReplyTemplate, template_id)
    if row is None:
        if template_id in COUNTY and unit_id is not None:
            raise NotFound()
        row = ReplyTemplate(id=template_id, unit_id=unit_id)
        session.add(row)
    elif row.unit_id != unit_id:
        raise NotFound()
    row.title, row.text, row.finding, row.updated_at = title, text, finding, clock.now()
    record(session, clock, actor, "template.write", "reply_template", template_id, title=title, text=text)
    session.flush()
    return _shown(session, row, actor)


def remove_template(session: Session, clock: Clock, actor: Actor, template_id: uuid.UUID) -> None:
    """Remove a template; one of the county's is then as it was at first. Raises Forbidden, NotFound."""
    row = session.get(ReplyTemplate, template_id)
    if row is None:
        raise NotFound()
    _may_write(session, actor, row.unit_id)
    record(session, clock, actor, "template.remove", "reply_template", row.id, title=row.title, text=row.text)
    session.delete(row)


def _may_write(session: Session, actor: Actor, unit_id: uuid.UUID | None) -> None:
    if not _may(session, actor, unit_id):
        raise Forbidden(
            "template.not_yours", "A unit writes its own templates, the county's desk the common ones."
        )


def _may(session: Session, actor: Actor, unit_id: uuid.UUID | None) -> bool:
    """A unit's handlers change its templates; the common ones are for a desk of the whole county."""
    if unit_id is None:
        return actor.may(Role.DESK, session.scalar(sa.select(Area.path).where(Area.parent_id.is_(None))))
    return any(grant.role is Role.HANDLER and grant.unit_id == unit_id for grant in actor.grants)


def _shown(session: Session, row: ReplyTemplate, actor: Actor) -> Template:
    mine = _may(session, actor, row.unit_id)
    return Template(row.id, row.unit_id, row.title, row.text, row.finding, mine)
