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
from sqlalchemy.orm import Session, aliased

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
Test = Callable[[type[DeskRow]], Condition]
"""A condition on the rows of the table, or on those of a part of it."""
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


@dataclass(frozen=True)
class Arm:
    """Some of a queue, which is one walk along an index: of one state, or of any (None)."""

    state: State | None = None
    conditions: tuple[Condition, ...] = ()

    def walked(self) -> list[Condition]:
        """As the indexes have it that are in order."""
        return [*([DeskRow.state == self.state] if self.state else []), *self.conditions]


@dataclass(frozen=True)
class Narrowed:
    """What the rows of a list must be besides."""

    tests: list[Test]
    facets: list[str]
    terms: dict[str, list[str]]
    """Words that are searched → the pairs of characters that a row with them has."""

    def __bool__(self) -> bool:
        return bool(self.tests or self.facets or self.terms)

    def among(self, rows: type[DeskRow]) -> list[Condition]:
        """Looked for in the rows themselves."""
        # The pairs of a row are worth their making only where the letters alone do not decide: numbers are found whole.
        whole = [_pairs(rows, grams) for term, grams in self.terms.items() if NUMBER.search(term)]
        facets = [_has(rows, self.facets)] if self.facets else []
        return [
            *(test(rows) for test in self.tests),
            *facets,
            *(_holds(rows, term) for term in self.terms),
            *whole,
        ]

    def looked_up(self) -> list[Condition]:
        """As the index has it: one look for all facets and the pairs of all words."""
        pairs = sorted({gram for grams in self.terms.values() for gram in grams})
        sought = [_pairs(DeskRow, pairs), *(_holds(DeskRow, term) for term in self.terms)] if pairs else []
        facets = [_has(DeskRow, self.facets)] if self.facets else []
        return [*(test(DeskRow) for test in self.tests), *facets, *sought]


@dataclass(frozen=True)
class Order:
    """By what a list is sorted, and the marks at which its pages begin."""

    keys: tuple[str, ...]
    newest_first: bool = False
    window: int = 4000
    """First rows that are looked through, before what is rare among them is asked of the indexes."""

    def of(self, rows: type[DeskRow]) -> list[Any]:
        """Its columns."""
        return [getattr(rows, key) for key in self.keys]

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
    None: Order(("received_at", "case_id"), newest_first=True, window=20_000),  # they lie side by side
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
            sa.select(sa.literal(1)).select_from(DeskRow).where(scope, *arm.walked()).limit(COUNTED + 1)
            for arm in _arms(queue, None, now)
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
    order, now = ORDERS.get(queue, USUAL), clock.now()
    arms = _arms(queue, filters.state, now)
    beyond = [order.beyond(after)] if after is not None else []
    found = _found(session, arms, beyond, order, _narrowed(session, now, actor, filters), limit + 1)
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


def _arms(queue: Queue | None, state: State | None, now: datetime) -> list[Arm]:
    """A queue, or all cases (None), apart for each state; only those of the one that is asked for."""
    match queue:
        case None:
            return [Arm(state)]
        case Queue.OVERDUE:
            return [Arm(None, (DeskRow.due_at <= now,))]
        case Queue.DUE_SOON:
            return [Arm(None, (DeskRow.due_at > now, DeskRow.due_at <= now + DUE_SOON))]
        case Queue.TO_APPROVE:
            sides = [f"open:{side}" for side in sorted(FOR_A_LEADER)]
            return [Arm(None, (DeskRow.facets.overlap(_array(sides)),))]
        case Queue.DUPLICATES:
            # As the index has it, which no parameter matches.
            registered = DeskRow.state == sa.literal_column(f"'{State.REGISTERED}'")
            return [Arm(None, (registered, DeskRow.suspected > sa.literal_column("0")))]
        case Queue.OBJECTIONS:
            arms = [Arm(State.OBJECTED), Arm(State.REPLIED, (_has(DeskRow, ["unsatisfied"]),))]
        case _:
            arms = [Arm(own) for own in states_of(queue)]
    return [arm for arm in arms if state in (None, arm.state)]


def _found(
    session: Session, arms: list[Arm], beyond: list[Condition], order: Order, narrowed: Narrowed, limit: int
) -> Sequence[sa.Row[Any]]:
    """The first rows that are so, with the keys of their order.

    What is common is found among the first rows of the list. Only what is rare there is asked of the indexes of facets
    and of character pairs, and then there are few enough to be sorted. The planner is given no choice: it knows how
    common each facet is, but not that a case which nobody has accepted has no risk, and would walk through them all.
    """
    if not arms:
        return []
    if not narrowed:
        return session.execute(_listed(arms, beyond, order, limit)).all()
    near = aliased(DeskRow, _listed(arms, beyond, order, order.window).subquery(), adapt_on_names=True)
    found = session.execute(_first(near, narrowed.among(near), order, limit)).all()
    if len(found) < limit:
        rare = sa.select(*order.of(DeskRow)).where(_in_arms(arms), *narrowed.looked_up(), *beyond)
        few = aliased(DeskRow, rare.cte("few").prefix_with("MATERIALIZED"), adapt_on_names=True)
        found = session.execute(_first(few, [], order, limit)).all()
    return found


def _in_arms(arms: list[Arm]) -> Condition:
    """In one of them: as the index of facets has it, which looks for those of many states at once."""
    states = [arm.state for arm in arms if arm.state and not arm.conditions]
    of_a_state = DeskRow.facets.overlap(_array([f"state:{state}" for state in states]))
    others = [sa.and_(sa.true(), *arm.walked()) for arm in arms if arm.state is None or arm.conditions]
    return sa.or_(*([of_a_state] if states else []), *others)


def _listed(arms: list[Arm], beyond: list[Condition], order: Order, limit: int) -> sa.Select[Any]:
    """The first rows of the arms together."""
    walks = [_first(DeskRow, [*arm.walked(), *beyond], order, limit, whole=True) for arm in arms]
    if len(walks) == 1:
        return walks[0]
    together = sa.union_all(*(sa.select(walk.subquery()) for walk in walks)).subquery()
    return _first(aliased(DeskRow, together, adapt_on_names=True), [], order, limit, whole=True)


def _first(
    rows: type[DeskRow], conditions: list[Condition], order: Order, limit: int, whole: bool = False
) -> sa.Select[Any]:
    """The first of such rows: whole, or the keys of their order."""
    keys = order.of(rows)
    chosen = sa.select(*((getattr(rows, name) for name in DeskRow.__table__.c.keys()) if whole else keys))  # noqa: SIM118
    return (
        chosen.where(*conditions)
        .order_by(*(key.desc() for key in keys) if order.newest_first else keys)
        .limit(limit)
    )


def _has(rows: type[DeskRow], facets: Sequence[str]) -> Condition:
    return rows.facets.contains(_array(facets))


def _holds(rows: type[DeskRow], term: str) -> Condition:
    return rows.words.contains(term, autoescape=True)


def _pairs(rows: type[DeskRow], grams: list[str]) -> Condition:
    """As the index of character pairs has them."""
    return sa.func.grams(rows.words).op("@>")(_array(grams))


def _array(texts: Sequence[str]) -> sa.ColumnElement[Any]:
    return sa.cast(texts, ARRAY(sa.Text()))


def _sought(session: Session, terms: list[str]) -> dict[str, list[str]]:
    """What a row must have for each term. Raises Invalid for one that nothing could be found by."""
    if not terms:
        return {}
    found = session.execute(sa.select(*(sa.func.sought(term) for term in terms))).one()
    if not all(found):
        raise Invalid(
            "cases.text", "Search for a Chinese character, two letters or a number; numbers are found whole."
        )
    return dict(zip(terms, found, strict=True))


def _narrowed(session: Session, now: datetime, actor: Actor, filters: Filters) -> Narrowed:
    facets, tests = filters.facets(actor.person_id), list[Test]()
    match _in_reach(session, actor):
        case None:
            pass
        case [only]:
            facets += only
        case several:
            tests.append(lambda rows: sa.or_(sa.false(), *(_has(rows, one) for one in several)))
    if filters.age is not None:
        younger, span = AGES[filters.age]
        since = now - span
        tests.append(lambda rows: rows.received_at >= since if younger else rows.received_at < since)
    return Narrowed(tests, facets, _sought(session, filters.terms()))


def scope_of(session: Session, actor: Actor) -> Condition:
    """The cases that this person sees in full: the same rule as `cases.rules.sight`, as a condition."""
    reached = _reached(session, actor)
    if reached is None:
        return sa.true()
    return sa.or_(
        sa.false(),
        *(
            sa.and_(
                *([_has(DeskRow, [f"at:{unit_id}"])] if unit_id else []),
                *([DeskRow.area_path.startswith(path + "/", autoescape=True)] if path else []),
            )
            for unit_id, path in reached
        ),
    )


def _in_reach(session: Session, actor: Actor) -> list[list[str]] | None:
    """The same as facets, of which a row must have those of one role."""
    reached = _reached(session, actor)
    if reached is None:
        return None
    return [
        [*([f"at:{unit_id}"] if unit_id else []), *([f"in:{path.rpartition('/')[2]}"] if path else [])]
        for unit_id, path in reached
    ]


def _reached(session: Session, actor: Actor) -> list[tuple[uuid.UUID | None, str | None]] | None:
    """The unit and the area that each role of the desk is held for; None: everything."""
    root = session.scalar(sa.select(Area.path).where(Area.parent_id.is_(None)).limit(1))
    reached = [
        (grant.unit_id, grant.area_path if grant.area_path != root else None)
        for grant in actor.grants
        if grant.role in (Role.DESK, Role.LEADER)
    ]
    return None if (None, None) in reached else reached
