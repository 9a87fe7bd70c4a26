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

from server.cases.models import Case
from server.cases.rules import ALIVE, State
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
ROWS = DeskRow.__table__
"""As a table: a list of many states, made of mapped classes, took longer to write than to answer."""
Test = Callable[[sa.FromClause], Condition]
"""A condition on the rows of the table, or on those of a part of it."""
LARGEST_PAGE = 200
COUNTED = 1000
"""Beyond it a number helps nobody to decide anything, and counting would cost more with every case."""
ASKED = 4
"""Pairs of characters of a long word by which it is looked up."""
READ: dict[str, Callable[[str], Any]] = {
    "rank": int,
    "sort_at": datetime.fromisoformat,
    "due_at": datetime.fromisoformat,
    "received_at": datetime.fromisoformat,
    "case_id": uuid.UUID,
}
NUMBER = re.compile(r"[0-9]")
ALIVE_ROW = ROWS.c.state.not_in([sa.literal_column(f"'{state}'") for state in State if state not in ALIVE])
"""As the index of what lies in queues has it, which no parameter matches."""


@dataclass(frozen=True)
class Arm:
    """Some of a queue, which is one walk along an index: of one state, or of any (None)."""

    state: State | None = None
    facets: tuple[str, ...] = ()
    """What few of that state have: they are looked up and sorted."""
    conditions: tuple[Condition, ...] = ()

    def walked(self) -> list[Condition]:
        """As the indexes have it that are in order."""
        if self.facets:
            return self.looked_up()
        return [*([ROWS.c.state == self.state] if self.state else []), *self.conditions]

    def looked_up(self) -> list[Condition]:
        """As the index of facets has it."""
        state = [f"state:{self.state}"] if self.state else []
        facets = [_has(ROWS, [*state, *self.facets])] if state or self.facets else []
        return [*facets, *self.conditions]


@dataclass(frozen=True)
class Narrowed:
    """What the rows of a list must be besides."""

    tests: list[Test]
    facets: list[str]
    terms: dict[str, list[str]]
    """Words that are searched → the pairs of characters that a row with them has; of long ones the rarest."""
    since: datetime | None
    """Received then or later."""
    in_a_queue: bool
    """Rather than among all cases: what is archived need not be looked at."""

    def __bool__(self) -> bool:
        return bool(self.tests or self.facets or self.terms)

    def among(self, rows: sa.FromClause) -> list[Condition]:
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
        """As the index has it: one look for all facets and the pairs of all words.

        Of few days there are few, which are sooner read than cut out of lists of hundreds of thousands.
        """
        if self.since:
            read = (condition.is_(sa.true()) for condition in self.among(ROWS))  # as no index has it
            return [ROWS.c.received_at >= self.since, *read]
        pairs = sorted({gram for grams in self.terms.values() for gram in grams})
        sought = [_pairs(ROWS, pairs), *(_holds(ROWS, term) for term in self.terms)] if pairs else []
        facets = [_has(ROWS, self.facets)] if self.facets else []
        alive = [ALIVE_ROW] if self.in_a_queue else []
        return [*(test(ROWS) for test in self.tests), *facets, *sought, *alive]


@dataclass(frozen=True)
class Order:
    """By what a list is sorted, and the marks at which its pages begin."""

    keys: tuple[str, ...]
    newest_first: bool = False
    windows: tuple[int, int] = (500, 6000)
    """So many first rows are looked through; more only if as many are then to be expected as the page holds."""

    def columns(self, rows: sa.FromClause) -> list[sa.ColumnElement[Any]]:
        """What it is sorted by."""
        return [rows.c[key] for key in self.keys]

    def first(self, chosen: sa.Select[Any], rows: sa.FromClause, limit: int) -> sa.Select[Any]:
        """Of these rows only the first."""
        columns = self.columns(rows)
        return chosen.order_by(*(c.desc() for c in columns) if self.newest_first else columns).limit(limit)

    def mark(self, row: sa.Row[Any]) -> str:
        """Where the page after this row begins."""
        values = (getattr(row, key) for key in self.keys)
        mark = "|".join(value.isoformat() if isinstance(value, datetime) else str(value) for value in values)
        return base64.urlsafe_b64encode(mark.encode()).decode()

    def beyond(self, mark: str) -> Condition:
        """The rows after a mark. Raises Invalid."""
        columns = self.columns(ROWS)
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
    # Rows that lie side by side are read ten times faster.
    None: Order(("received_at", "case_id"), newest_first=True, windows=(2500, 40_000)),
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
            sa.select(sa.literal(1)).select_from(ROWS).where(scope, *arm.walked()).limit(COUNTED + 1)
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
    if filters.urgent and order is USUAL:
        beyond.append(ROWS.c.rank == 0)  # they lie together
    narrowed = _narrowed(session, now, actor, filters, queue is not None)
    found = _found(session, arms, beyond, order, narrowed, limit + 1)
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
            arms = [Arm(conditions=(ROWS.c.due_at <= now,))]
        case Queue.DUE_SOON:
            arms = [Arm(conditions=(ROWS.c.due_at > now, ROWS.c.due_at <= now + DUE_SOON))]
        case Queue.TO_APPROVE:
            sides = [f"open:{side}" for side in sorted(FOR_A_LEADER)]
            arms = [Arm(conditions=(ROWS.c.facets.overlap(_array(sides)),))]
        case Queue.DUPLICATES:
            # As the index has it, which no parameter matches.
            registered = ROWS.c.state == sa.literal_column(f"'{State.REGISTERED}'")
            suspected = ROWS.c.suspected > sa.literal_column("0")
            arms = [Arm(State.REGISTERED, conditions=(registered, suspected))]
        case Queue.OBJECTIONS:
            arms = [Arm(State.OBJECTED), Arm(State.REPLIED, ("unsatisfied",))]
        case _:
            arms = [Arm(own) for own in states_of(queue)]
    return [arm for arm in arms if None in (state, arm.state) or state == arm.state]


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
    found: Sequence[sa.Row[Any]] = []
    looked_through = 0
    for window in order.windows:
        if len(found) * window < 1.5 * limit * looked_through:
            break
        near = _listed(arms, beyond, order, window).subquery()
        chosen = sa.select(*order.columns(near)).where(*narrowed.among(near))
        found = session.execute(order.first(chosen, near, limit)).all()
        if len(found) == limit:
            return found
        looked_through = window
    rare = sa.select(*order.columns(ROWS)).where(_in_arms(arms, narrowed), *narrowed.looked_up(), *beyond)
    few = rare.cte("few").prefix_with("MATERIALIZED")
    return session.execute(order.first(sa.select(few), few, limit)).all()


def _in_arms(arms: list[Arm], narrowed: Narrowed) -> Condition:
    """In one of them, as the index has it that is asked: of states and days, or of all facets."""
    whole = [arm.state for arm in arms if arm.state and not arm.facets and not arm.conditions]
    facets = _array([f"state:{state}" for state in whole])
    of_a_state = ROWS.c.state.in_(whole) if narrowed.since else ROWS.c.facets.overlap(facets)
    parts = [
        sa.and_(sa.true(), *arm.looked_up()) for arm in arms if not arm.state or arm.facets or arm.conditions
    ]
    return sa.or_(*([of_a_state] if whole else []), *parts)


def _listed(arms: list[Arm], beyond: list[Condition], order: Order, limit: int) -> sa.Select[Any]:
    """The first rows of the arms together."""
    walks = [order.first(sa.select(ROWS).where(*arm.walked(), *beyond), ROWS, limit) for arm in arms]
    if len(walks) == 1:
        return walks[0]
    together = sa.union_all(*walks).subquery()
    return order.first(sa.select(together), together, limit)


def _has(rows: sa.FromClause, facets: Sequence[str]) -> Condition:
    return rows.c.facets.contains(_array(facets))


def _holds(rows: sa.FromClause, term: str) -> Condition:
    # Byte by byte: in half the time of LIKE.
    return sa.func.strpos(sa.collate(rows.c.words, "C"), term) > 0


def _pairs(rows: sa.FromClause, grams: list[str]) -> Condition:
    """As the index of character pairs has them."""
    return sa.func.grams(rows.c.words).op("@>")(_array(grams))


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
    return {
        term: _rarest(session, grams) if len(grams) > ASKED and not NUMBER.search(term) else grams
        for term, grams in zip(terms, found, strict=True)
    }


def _rarest(session: Session, grams: list[str]) -> list[str]:
    """As far as PostgreSQL knows: the index reads a list for each of them, and 玛沁 is everywhere."""
    found = session.scalars(
        sa.text(
            "SELECT gram FROM unnest(CAST(:grams AS text[])) gram LEFT JOIN ("
            "  SELECT known.* FROM pg_stats,"
            "    unnest(most_common_elems::text::text[], most_common_elem_freqs) known(gram, share)"
            "  WHERE schemaname = current_schema() AND tablename = 'ix_desk_row_facets_grams'"
            ") known USING (gram) ORDER BY share NULLS FIRST, gram LIMIT :asked"
        ),
        {"grams": grams, "asked": ASKED},
    )
    return list(found)


def _narrowed(session: Session, now: datetime, actor: Actor, filters: Filters, in_a_queue: bool) -> Narrowed:
    facets, tests, since = filters.facets(actor.person_id), list[Test](), None
    match _in_reach(session, actor):
        case None:
            pass
        case [only]:
            facets += only
        case several:
            tests.append(lambda rows: sa.or_(sa.false(), *(_has(rows, one) for one in several)))
    if filters.age is not None:
        younger, span = AGES[filters.age]
        day = now - span
        since = day if younger else None
        tests.append(lambda rows: rows.c.received_at >= day if younger else rows.c.received_at < day)
    return Narrowed(tests, facets, _sought(session, filters.terms()), since, in_a_queue)


def scope_of(session: Session, actor: Actor) -> Condition:
    """The cases that this person sees in full: the same rule as `cases.rules.sight`, as a condition."""
    reached = _reached(session, actor)
    if reached is None:
        return sa.true()
    return sa.or_(
        sa.false(),
        *(
            sa.and_(
                *([_has(ROWS, [f"at:{unit_id}"])] if unit_id else []),
                *([ROWS.c.area_path.startswith(path + "/", autoescape=True)] if path else []),
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
    held = [
        (grant.unit_id, grant.area_path) for grant in actor.grants if grant.role in (Role.DESK, Role.LEADER)
    ]
    if (None, None) in held:
        return None
    root = session.scalar(sa.select(Area.path).where(Area.parent_id.is_(None)).limit(1))
    reached = [(unit_id, path if path != root else None) for unit_id, path in held]
    return None if (None, None) in reached else reached
