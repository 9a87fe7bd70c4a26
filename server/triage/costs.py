"""What mistakes about duplicates cost, by area: what an administrator says, and which thresholds follow from it."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.audit.services import record
from server.core.clock import Clock
from server.core.db import Facts
from server.core.errors import NotFound
from server.identity.models import Area
from server.identity.rules import Actor
from server.triage.models import TriageCosts
from server.triage.rules import USUAL, Costs


def all_costs(session: Session) -> Facts:
    """The usual costs, and the rows of areas that go before them, from the county down (AllCostsSchema)."""
    rows = sa.select(TriageCosts, Area).join(Area).order_by(Area.path)
    return {
        "usual": _told(USUAL),
        "own": [
            _told(Costs(row.missed, row.interrupted, row.wrong_merge))
            | {"area_code": area.code, "area_name": area.name}
            for row, area in session.execute(rows)
        ],
    }


def set_costs(session: Session, clock: Clock, actor: Actor, area_code: str, costs: Facts | None) -> Facts:
    """Say what mistakes cost in an area and below it; None: what the area above says. Raises NotFound.

    What was suggested already stays; what comes from now on goes by it.
    """
    area = session.scalar(sa.select(Area).where(Area.code == area_code))
    if area is None:
        raise NotFound()
    row = session.get(TriageCosts, area.id, with_for_update=True)
    before = {name: getattr(row, name) for name in ("missed", "interrupted", "wrong_merge")} if row else None
    if costs is None and row is not None:
        session.delete(row)
    elif costs is not None:
        session.merge(TriageCosts(area_id=area.id, **costs))
    session.flush()
    if before != costs:
        record(session, clock, actor, "triage.costs", "area", area.id, before=before, now=costs)
    return all_costs(session)


def _told(costs: Costs) -> Facts:
    return {
        "missed": costs.missed,
        "interrupted": costs.interrupted,
        "wrong_merge": costs.wrong_merge,
        "shown_from": costs.threshold,
        "joined_from": costs.certain,
    }
