"""The sector of a report: proposed by a machine, confirmed by a person, learned from what was confirmed."""

import uuid
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server.audit.services import record
from server.core.clock import Clock
from server.core.errors import Invalid, NotFound
from server.core.ids import new_id
from server.core.tables import read_rows
from server.enterprises.models import Enterprise
from server.identity.rules import Actor
from server.intake.models import Report
from server.triage.embedding import embed
from server.triage.imports import HazardTypeColumns, SectorColumns
from server.triage.kinds import HAZARD_TYPES as HAZARD_TYPES
from server.triage.models import HazardType, Sector, SectorModel, SectorProposal
from server.triage.sector_words import SectorWords, Told, TypeWords

if TYPE_CHECKING:
    from server.triage.sector_rules import SectorGuesser

READ_CHARS = 2000
"""More of a text does not tell what it is about, and a hostile one could keep the worker busy."""
MOST_CONFIRMED = 20_000
"""The newest are learned from: what a county calls things changes."""

_known: "tuple[str, SectorGuesser] | None" = None
"""The guesser of this process and the state of the tables that it was built from."""


def propose_sector(session: Session, clock: Clock, report: Report) -> None:
    """Store the likeliest sectors of a report. What a person confirmed stays beside it."""
    guesser = current_guesser(session)
    enterprise = session.get(Enterprise, report.enterprise_id) if report.enterprise_id else None
    guesses, decided = guesser.guess(told_of(report, enterprise))
    news = {
        "ranked": [guess.stored() for guess in guesses],
        "decided": decided,
        "model": guesser.model,
        "created_at": clock.now(),
    }
    statement = insert(SectorProposal).values(id=new_id(), report_id=report.id, **news)
    session.execute(statement.on_conflict_do_update(index_elements=["report_id"], set_=news))


def confirm_sector(session: Session, clock: Clock, report_ids: Iterable[uuid.UUID], sector_no: int) -> None:
    """A person gave these reports' matter to a sector, whether as proposed or not: a label to learn from."""
    for report_id in report_ids:
        facts = {"confirmed_no": sector_no, "confirmed_at": clock.now()}
        statement = insert(SectorProposal).values(
            id=new_id(),
            report_id=report_id,
            ranked=[],
            decided=False,
            model="",
            created_at=clock.now(),
            **facts,
        )
        session.execute(statement.on_conflict_do_update(index_elements=["report_id"], set_=facts))


def current_guesser(session: Session) -> "SectorGuesser":
    """The guesser for the tables and the model as they are now; built again only when one of them changed."""
    from server.triage.sector_rules import Learned, SectorGuesser  # NumPy is not for the web processes

    global _known
    state = _state(session)
    if _known is None or _known[0] != state:
        sectors, types = _tables(session)
        chosen = session.scalar(sa.select(SectorModel.content).where(SectorModel.used_at.is_not(None)))
        learned = Learned.unpacked(chosen) if chosen else None
        _known = (state, SectorGuesser(sectors, types, learned, embed))
    return _known[1]


def train_sectors(session: Session, clock: Clock) -> SectorModel:
    """A new model from all confirmed reports; it is used when a person switches it on.

    Raises Invalid while nothing is confirmed.
    """
    from server.triage.sector_learning import Confirmed, learn  # SciPy is not for the web processes
    from server.triage.sector_rules import SectorGuesser

    rows = session.execute(
        sa.select(Report, Enterprise, SectorProposal.confirmed_no)
        .join(SectorProposal, SectorProposal.report_id == Report.id)
        .outerjoin(Enterprise, Enterprise.id == Report.enterprise_id)
        .where(SectorProposal.confirmed_no.is_not(None))
        .order_by(SectorProposal.confirmed_at.desc(), Report.id)
        .limit(MOST_CONFIRMED)
    )
    confirmed = [Confirmed(told_of(report, enterprise), no) for report, enterprise, no in rows if no]
    number = (session.scalar(sa.select(sa.func.max(SectorModel.number))) or 0) + 1
    try:
        learned, figures = learn(SectorGuesser(*_tables(session)), confirmed, f"sectors-{number}")
    except ValueError as fault:
        raise Invalid("triage.nothing_confirmed", f"There is nothing to learn from: {fault}.") from fault
    model = SectorModel(
        number=number, made_at=clock.now(), figures=vars(figures), content=learned.packed(), used_at=None
    )
    session.add(model)
    session.flush()
    return model


def use_sectors(session: Session, clock: Clock, actor: Actor, number: int | None) -> None:
    """Switch to a learned model, or back to the words alone (None). Raises NotFound for one that is not there."""
    models = list(session.scalars(sa.select(SectorModel).with_for_update()))
    if number is not None and number not in {model.number for model in models}:
        raise NotFound("triage.no_model", f"There is no sector model {number}.")
    for model in models:
        before, model.used_at = model.used_at, clock.now() if model.number == number else None
        if bool(before) != bool(model.used_at):
            record(
                session,
                clock,
                actor,
                "triage.use_sectors" if model.used_at else "triage.leave_sectors",
                "sector_model",
                model.id,
                number=model.number,
            )
    session.flush()


def told_of(report: Report, enterprise: Enterprise | None) -> Told:
    """What a report says of its sector."""
    names = [report.enterprise_words, enterprise.name if enterprise else ""]
    return Told(
        report.text[:READ_CHARS],
        " ".join(name for name in names if name)[:READ_CHARS],
        report.hazard_type,
        enterprise.sector_no if enterprise else None,
    )


def table_of(data: bytes) -> list[SectorWords]:
    """The sectors in a file as `./manage.py import sectors` reads it. Raises BadTable."""
    rows, _ = read_rows(data, SectorColumns)
    return [
        SectorWords(r.value.sector_no, r.value.sector_title, r.value.keywords, r.value.duties) for r in rows
    ]


def shipped_types() -> list[TypeWords]:
    """The hazard types that come with the program."""
    rows, _ = read_rows(HAZARD_TYPES.read_bytes(), HazardTypeColumns)
    return [TypeWords(r.value.code, r.value.sector_no, r.value.name, r.value.keywords) for r in rows]


def _tables(session: Session) -> tuple[Sequence[SectorWords], Sequence[TypeWords]]:
    return (
        [SectorWords(s.no, s.title, s.keywords, s.duties) for s in session.scalars(sa.select(Sector))],
        [TypeWords(t.code, t.sector_no, t.name, t.keywords) for t in session.scalars(sa.select(HazardType))],
    )


def _state(session: Session) -> str:
    """A fingerprint of all that a guesser is built from, so that an edited table has effect at once."""

    def summed(table: str) -> sa.ScalarSelect[str]:
        row = sa.func.hashtextextended(sa.literal_column(f"{table}::text"), 0)
        return sa.select(sa.cast(sa.func.sum(row), sa.Text())).select_from(sa.table(table)).scalar_subquery()

    used = sa.select(sa.func.max(SectorModel.number)).where(SectorModel.used_at.is_not(None))
    return str(
        session.execute(sa.select(summed("sector"), summed("hazard_type"), used.scalar_subquery())).one()
    )
