"""The queues of the desk: which cases lie in which, counted, narrowed down, searched, and listed page by page.

Everything is found in `desk_row`; no query here reads more than a few thousand rows, however many cases there are
(`bench desk` looks at each plan).
"""

import base64
import binascii
import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from server.cases.models import Case
from server.cases.rules import State
from server.core.clock import Clock
from server.core.db import Facts
from server.core.errors import Invalid
from server.enterprises.models import Enterprise
from server.identity.models import Area, Unit
from server.identity.rules import Actor, Role
from server.reports.models import DeskRow
from server.reports.rows import case_rows
from server.reports.rules import AGES, DUE_SOON, FOR_A_LEADER, Filters, Queue, states_of

Condition = sa.ColumnElement[bool]
LARGEST_PAGE = 200
COUNTED = 1000
"""Beyond it a number helps nobody to decide anything, and counting would cost more with every case."""
READ: dict[str, Callable[[str], Any]] = {
    "rank": int,
    "sort_at": datetime.fromisoformat,
    "due_at": datetime.fromisoformat,
    "received_at": datetime.fromisoformat,
    "case_id": uuid.UUID,
}
NUMBER = re.compile(r"[0-9]")
WINDOW = 4000
"""Rows in which a search looks for itself, before it asks the index of character pairs."""


@dataclass(frozen=True)
class Order:
    """By what a list is sorted, and the marks at which its pages begin."""

    keys: tuple[str, ...]
    newest_first: bool = False

    def of(self, columns: ReadOnlyColumnCollection[str, Any]) -> list[sa.ColumnElement[Any]]:
        """For ORDER BY."""
        return [columns[key].desc() if self.newest_first else columns[key] for key in self.keys]

    def mark(self, row: sa.Row[Any]) -> str:
        """Where the page after this row begins."""
        values = (getattr(row, key) for key in self.keys)
        mark = "|".join(value.isoformat() if isinstance(value, datetime) else str(value) for value in values)
        return base64.urlsafe_b64encode(mark.encode()).decode()

    def beyond(self, mark: str) -> Condition:
        """The rows after a mark. Raises Invalid."""
        columns = [DeskRow.__table__.c[key] for key in self.keys]
        try:
            given = zip(self.keys, base64.urlsafe_b64decode(mark).decode().split("|"), strict=True)
            values = [READ[key](text) for key, text in given]
        except (ValueError, binascii.Error) as fault:
            raise Invalid(
                "cases.after", "Start again from the first page: this is not one of our marks."
            ) from fault
        at = sa.tuple_(
            *(sa.literal(value, column.type) for value, column in zip(values, columns, strict=True))
        )
        return sa.tuple_(*columns) < at if self.newest_first else sa.tuple_(*columns) > at


USUAL = Order(("rank", "sort_at", "received_at", "case_id"))
ORDERS: dict[Queue | None, Order] = {
    None: Order(("received_at", "case_id"), newest_first=True),
    Queue.OVERDUE: Order(("due_at", "case_id")),
    Queue.DUE_SOON: Order(("due_at", "case_id")),
}


def counts(session: Session, clock: Clock, actor: Actor) -> list[Facts]:
    """Every queue with the number of cases that this person sees in it: exact up to COUNTED, or that there are more."""
    scope, now = scope_of(session, actor), clock.now()
    asked = [
        (queue, sa.select(sa.func.count()).select_from(few.subquery()).scalar_subquery())
        for queue in Queue
        for few in (
            sa.select(sa.literal(1)).select_from(DeskRow).where(scope, *arm).limit(COUNTED + 1)
            for arm in _arms(queue, now)
        )
    ]
    found = session.execute(sa.select(*(count for _, count in asked))).one()
    total = dict.fromkeys(Queue, 0)
    for (queue, _), count in zip(asked, found, strict=True):
        total[queue] += count
    return [
        {"code": queue, "count": min(count, COUNTED), "more": count > COUNTED}
        for queue, count in total.items()
    ]


def page(
    session: Session,
    clock: Clock,
    actor: Actor,
    queue: Queue | None,
    filters: Filters,
    after: str | None,
    limit: int,
) -> Facts:
    """A page of a queue, most pressing first, or of all cases (None), newest first. Raises Invalid."""
    order = ORDERS.get(queue, USUAL)
    arms = _arms(queue, clock.now()) if queue else [[]]
    common = [scope_of(session, actor), *_narrowed(session, clock, actor, filters)]
    if after is not None:
        common.append(order.beyond(after))
    terms = filters.terms()
    if terms:
        found = _search(session, arms, common, order, _sought(session, terms), limit + 1)
    else:
        found = session.execute(_listed(arms, common, order, limit + 1)).all()
    ids = [row.case_id for row in found[:limit]]
    return {
        "items": rows_of(session, ids),
        "next": order.mark(found[limit - 1]) if len(found) > limit else None,
    }


def rows_of(session: Session, ids: Sequence[uuid.UUID]) -> list[Facts]:
    """Rows (CaseRowSchema) of these cases, in their order."""
    found = session.execute(
        sa.select(Case, Area.name, Enterprise.name, Unit.name)
        .outerjoin(Area, Area.id == Case.area_id)
        .outerjoin(Enterprise, Enterprise.id == Case.enterprise_id)
        .outerjoin(Unit, Unit.id == Case.unit_id)
        .where(Case.id.in_(ids))
    )
    by_id = {case.id: (case, area, firm, unit) for case, area, firm, unit in found}
    return case_rows(session, [by_id[case_id] for case_id in ids])


def _arms(queue: Queue, now: datetime) -> list[list[Condition]]:
    """The conditions of a queue, apart for each state: each of them is one walk along an index."""
    match queue:
        case Queue.OVERDUE:
            return [[DeskRow.due_at <= now]]
        case Queue.DUE_SOON:
            return [[DeskRow.due_at > now, DeskRow.due_at <= now + DUE_SOON]]
        case Queue.DUPLICATES:
            return [[DeskRow.state == State.REGISTERED, DeskRow.suspected > sa.literal_column("0")]]
        case Queue.OBJECTIONS:
            discontent = DeskRow.facets.contains(_array(["unsatisfied"]))
            return [[DeskRow.state == State.OBJECTED], [DeskRow.state == State.REPLIED, discontent]]
        case Queue.TO_APPROVE:
            return [[DeskRow.facets.overlap(_array([f"open:{side}" for side in sorted(FOR_A_LEADER)]))]]
    return [[DeskRow.state == state] for state in states_of(queue)]


def _listed(
    arms: list[list[Condition]], common: list[Condition], order: Order, limit: int
) -> sa.Select[Any] | sa.CompoundSelect[Any]:
    """The first rows of the arms together, with the keys of their order and the words."""
    rows = DeskRow.__table__.c
    walks = [
        sa.select(*(rows[key] for key in order.keys), rows.words)
        .where(*arm, *common)
        .order_by(*order.of(rows))
        .limit(limit)
        for arm in arms
    ]
    if len(walks) == 1:
        return walks[0]
    together = sa.union_all(*(sa.select(walk.subquery()) for walk in walks)).subquery()
    return sa.select(together).order_by(*order.of(together.c)).limit(limit)


def _search(
    session: Session,
    arms: list[list[Condition]],
    common: list[Condition],
    order: Order,
    terms: dict[str, list[str]],
    limit: int,
) -> Sequence[sa.Row[Any]]:
    """The rows that hold every term.

    What is common is found among the first rows of the list. Only what is rare there is looked up by its pairs of
    characters, and then there are few enough to be sorted. No guess of the planner is needed for either.
    """
    window = _listed(arms, common, order, WINDOW).subquery()
    # The pairs of each row are worth their making only where the letters alone do not decide: numbers are found whole.
    holds = [_holds(window.c.words, term) for term in terms]
    whole = [_pairs(window.c.words, grams) for term, grams in terms.items() if NUMBER.search(term)]
    near = sa.select(window).where(*holds, *whole).order_by(*order.of(window.c)).limit(limit)
    found = session.execute(near).all()
    if len(found) >= limit:
        return found
    in_arm = sa.or_(*(sa.and_(sa.true(), *arm) for arm in arms))
    words = DeskRow.__table__.c.words
    rare = [*(_pairs(words, grams) for grams in terms.values()), *(_holds(words, term) for term in terms)]
    return session.execute(_listed([[in_arm, *rare]], common, order, limit)).all()


def _holds(words: sa.ColumnElement[str], term: str) -> Condition:
    return words.contains(term, autoescape=True)


def _pairs(words: sa.ColumnElement[str], grams: list[str]) -> Condition:
    """As the index of character pairs has them."""
    return sa.func.grams(words).op("@>")(_array(grams))


def _array(texts: list[str]) -> sa.ColumnElement[Any]:
    return sa.cast(texts, ARRAY(sa.Text()))


def _sought(session: Session, terms: list[str]) -> dict[str, list[str]]:
    """What a row must have for each term. Raises Invalid for one that nothing could be found by."""
    found = session.execute(sa.select(*(sa.func.sought(term) for term in terms))).one()
    if not all(found):
        raise Invalid(
            "cases.text", "Search for a Chinese character, two letters or a number; numbers are found whole."
        )
    return dict(zip(terms, found, strict=True))


def _narrowed(session: Session, clock: Clock, actor: Actor, filters: Filters) -> list[Condition]:
    conditions: list[Condition] = []
    if filters.area is not None:
        path = session.scalar(sa.select(Area.path).where(Area.code == filters.area))
        conditions.append(_within(path) if path else sa.false())
    if filters.state is not None:
        conditions.append(DeskRow.state == filters.state)
    if filters.age is not None:
        younger, span = AGES[filters.age]
        since = clock.now() - span
        conditions.append(DeskRow.received_at >= since if younger else DeskRow.received_at < since)
    if facets := filters.facets(actor.person_id):
        conditions.append(DeskRow.facets.contains(_array(facets)))
    return conditions


def scope_of(session: Session, actor: Actor) -> Condition:
    """The cases that this person sees in full: the same rule as `cases.rules.sight`, as a condition."""
    root = session.scalar(sa.select(Area.path).where(Area.parent_id.is_(None)).limit(1)) or ""
    conditions: list[Condition] = []
    for grant in actor.grants:
        if grant.role not in (Role.DESK, Role.LEADER):
            continue
        within: list[Condition] = []
        if grant.unit_id is not None:
            within.append(DeskRow.facets.contains(_array([f"at:{grant.unit_id}"])))
        if grant.area_path is not None and grant.area_path != root:
            within.append(_within(grant.area_path))
        if not within:
            return sa.true()
        conditions.append(sa.and_(*within))
    return sa.or_(sa.false(), *conditions)


def _within(path: str) -> Condition:
    return DeskRow.area_path.startswith(path + "/", autoescape=True)
