"""Loads one of the county's own tables: for ./manage.py import, and for the demo county."""

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.audit.services import record
from server.cases.clocks import start_waiting
from server.cases.imports import import_clock_rules
from server.core.calendar_table import import_calendar
from server.core.clock import Clock
from server.core.ids import new_id
from server.core.tables import BadTable, Fault, Outcome
from server.enterprises.imports import import_enterprises
from server.identity.imports import import_areas, import_people, import_units
from server.identity.rules import SYSTEM
from server.triage.imports import import_hazard_types, import_routing
from server.triage.models import Sector

Importer = Callable[[Session, Clock, bytes], Outcome]


def _enterprises(session: Session, _: Clock, data: bytes) -> Outcome:
    return import_enterprises(session, data, sectors=set(session.scalars(sa.select(Sector.no))))


def _calendar(session: Session, clock: Clock, data: bytes) -> Outcome:
    outcome = import_calendar(session, clock, data)
    start_waiting(session, clock)
    return outcome


IMPORTERS: dict[str, Importer] = {
    "areas": lambda session, _, data: import_areas(session, data),
    "units": lambda session, _, data: import_units(session, data),
    "routing": lambda session, _, data: import_routing(session, data),
    "hazard-types": lambda session, _, data: import_hazard_types(session, data),
    "enterprises": _enterprises,
    "people": import_people,
    "calendar": _calendar,
    "clock-rules": lambda session, _, data: import_clock_rules(session, data),
}
"""In the order in which they refer to each other."""


def load_table(session: Session, clock: Clock, kind: str, data: bytes) -> Outcome:
    """Load one table into the open transaction; on BadTable, which tells every bad row, roll back."""
    try:
        outcome = IMPORTERS[kind](session, clock, data)
        facts = {"added": outcome.added, "updated": outcome.updated, "unchanged": outcome.unchanged}
        record(session, clock, SYSTEM, f"import.{kind}", "import", new_id(), **facts)
        session.flush()
    except sa.exc.IntegrityError as error:
        # Two rows that exchange a unique value, or somebody else who changed the same thing at this moment.
        told = str(error.orig).strip().splitlines()[-1]
        raise BadTable([Fault(None, f"the database refuses what the rows say together: {told}")]) from error
    return outcome
