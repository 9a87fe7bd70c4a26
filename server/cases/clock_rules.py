"""The arithmetic of clocks: how long a term is, when it ends, what a pause does, who hears when (DOMAIN.md §3).

Which terms run in which state of a case, and which stand still, rules.py says; this says what that means.
"""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any, Self

from server.cases.rules import CLOCKS, OF_THE_REPORTER, URGENT_CLOCKS, Days, Length, State, Term, owners
from server.core.calendar import WorkingCalendar, day_of, end_of
from server.identity.rules import Role

WARN = "warn"
LADDER = (Role.HANDLER, Role.UNIT_HEAD, Role.DESK, Role.LEADER)
"""Who hears of an overdue clock, from below upwards."""
WARN_SHARE = 0.2
CLIMB_HOURS = 24
URGENT_CLIMB_HOURS = 1


@dataclass(frozen=True)
class ClockRule:
    """How one term is counted. A running clock keeps a copy of the rule that it started with."""

    amount: int
    days: Days
    source: str
    warn_share: float = WARN_SHARE
    """The part of the term that is left when the warning comes."""
    climb_hours: int = CLIMB_HOURS
    """From one rung of the ladder to the next, once overdue."""
    extend_amount: int = 0
    """The most that one extension adds, counted like the term."""
    extend_times: int = 0
    extend_by: Role | None = None
    """Who grants an extension."""
    pausable: bool = True

    def facts(self) -> dict[str, Any]:
        """As it is kept with a running clock."""
        return asdict(self)

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Self:
        """The rule that a running clock was started with."""
        by = facts.get("extend_by")
        return cls(**{**facts, "days": Days(facts["days"]), "extend_by": Role(by) if by else None})


EXTENSIONS: dict[Term, tuple[int, int, Role]] = dict.fromkeys(
    (Term.HANDLE, Term.RECTIFY), (30, 1, Role.LEADER)
)
"""By how much, how often, by whom: once by at most 30 days, approved by the next level up (安监总财〔2018〕19号)."""


def default_rule(term: Term, urgent: bool) -> ClockRule:
    """The rule of the table's own defaults, where a county has no row of its own."""
    size: Length = URGENT_CLOCKS.get(term, CLOCKS[term]) if urgent else CLOCKS[term]
    amount, times, by = EXTENSIONS.get(term, (0, 0, None))
    climb = URGENT_CLIMB_HOURS if size.days is Days.HOURS else CLIMB_HOURS
    return ClockRule(
        size.amount,
        size.days,
        size.source,
        climb_hours=climb,
        extend_amount=amount,
        extend_times=times,
        extend_by=by,
    )


# ---- which rule


@dataclass(frozen=True)
class Matter:
    """What of a case decides on its clock rules; `area_path` as in identity.rules."""

    area_path: str | None
    kind: str
    sector_no: int | None
    hazard_type: str | None
    urgent: bool


@dataclass(frozen=True)
class Scope:
    """For what a county's own rule holds; None is any. `valid_to` is the last day."""

    term: Term
    valid_from: date
    valid_to: date | None = None
    area_path: str | None = None
    kind: str | None = None
    sector_no: int | None = None
    hazard_type: str | None = None
    urgent: bool | None = None

    def holds(self, term: Term, matter: Matter, day: date) -> bool:
        """Whether a clock of this term that starts on `day` falls under it."""
        if term is not self.term or day < self.valid_from or (self.valid_to and day > self.valid_to):
            return False
        if self.area_path is not None:
            inside = matter.area_path is not None and (matter.area_path + "/").startswith(
                self.area_path + "/"
            )
            if not inside:
                return False
        same = (
            (self.kind, matter.kind),
            (self.sector_no, matter.sector_no),
            (self.hazard_type, matter.hazard_type),
            (self.urgent, matter.urgent),
        )
        return all(wanted is None or wanted == found for wanted, found in same)

    @property
    def weight(self) -> tuple[int, int, int, int, int, date]:
        """More is closer to the matter: danger, then hazard type, sector, kind, the smaller area, the newer rule."""
        depth = self.area_path.count("/") + 1 if self.area_path else 0
        named = [self.urgent, self.hazard_type, self.sector_no, self.kind]
        urgent, hazard_type, sector, kind = (int(value is not None) for value in named)
        return urgent, hazard_type, sector, kind, depth, self.valid_from


def choose(rows: Iterable[tuple[Scope, ClockRule]], term: Term, matter: Matter, day: date) -> ClockRule:
    """The rule for a clock of this term that starts on `day`: the closest row, else the table's default.

    For immediate danger a row must say so: an ordinary row never lengthens what danger shortens.
    """
    held = [
        (scope.weight, rule)
        for scope, rule in rows
        if scope.holds(term, matter, day)
        and (scope.urgent is not None or not (matter.urgent and term in URGENT_CLOCKS))
    ]
    if not held:
        return default_rule(term, matter.urgent)
    return max(held, key=lambda one: one[0])[1]


# ---- when


def due(rule: ClockRule, start: datetime, calendar: WorkingCalendar) -> datetime:
    """When a term begun at `start` ends: with its last day; day 1 is the next. Raises UnknownYear."""
    return _later(start, rule.amount, rule.days, calendar)


def handle_due(rule: ClockRule, start: datetime, wanted: date | None, calendar: WorkingCalendar) -> datetime:
    """Until when all is to be done: the term of the law, or the earlier day an inspector set for a hazard."""
    by_law = due(rule, start, calendar)
    return min(by_law, end_of(wanted)) if wanted is not None and wanted > day_of(start) else by_law


def resumed(
    rule: ClockRule, due_at: datetime, paused_at: datetime, now: datetime, calendar: WorkingCalendar
) -> datetime:
    """The new end of a term that stood still from `paused_at` until `now`: what was left then is left now.

    What was already overdue stays so: pausing mends nothing. Raises UnknownYear.
    """
    if paused_at >= due_at or now <= paused_at:
        return due_at
    match rule.days:
        case Days.HOURS:
            return due_at + (now - paused_at)
        case Days.NATURAL:
            return end_of(day_of(due_at) + (day_of(now) - day_of(paused_at)))
        case Days.WORKING:
            left = calendar.between(day_of(paused_at), day_of(due_at))
            return max(due_at, end_of(calendar.add(day_of(now), left)))


def extended(rule: ClockRule, due_at: datetime, amount: int, calendar: WorkingCalendar) -> datetime:
    """The new end after an extension of `amount`, counted from the old end. Raises UnknownYear."""
    return _later(due_at, amount, rule.days, calendar)


def extension_fault(rule: ClockRule, already: int, amount: int) -> str | None:
    """Why this extension is not possible, as a sentence; None when it is."""
    if not rule.extend_times:
        return "This term cannot be extended."
    if already >= rule.extend_times:
        return f"This term can be extended {rule.extend_times} time(s), and was."
    if not 1 <= amount <= rule.extend_amount:
        return f"An extension is at least 1 and at most {rule.extend_amount} days."
    return None


def _later(start: datetime, amount: int, days: Days, calendar: WorkingCalendar) -> datetime:
    match days:
        case Days.HOURS:
            return start + timedelta(hours=amount)
        case Days.NATURAL:
            return end_of(day_of(start) + timedelta(days=amount))
        case Days.WORKING:
            return end_of(calendar.add(day_of(start), amount))


# ---- who hears


@dataclass(frozen=True)
class Stage:
    """One thing to do about a clock: warn, or tell a rung of the ladder (`name` is its role)."""

    name: str
    at: datetime


def ladder(term: Term, state: State) -> tuple[Role, ...]:
    """The rungs for a clock of a case in this state, from whoever has to act upwards; none for the reporter's time."""
    if term in OF_THE_REPORTER:
        return ()
    acting = owners(term, state)
    first = next((place for place, role in enumerate(LADDER) if role in acting), len(LADDER) - 1)
    return LADDER[first:]


def stages(rule: ClockRule, started_at: datetime, due_at: datetime, rungs: Iterable[Role]) -> list[Stage]:
    """All that is to be said about a clock, in the order of time; nothing where nobody has to act."""
    rungs = list(rungs)
    if not rungs:
        return []
    warn_at = due_at - (due_at - started_at) * rule.warn_share
    step = timedelta(hours=rule.climb_hours)
    return [Stage(WARN, warn_at)] + [Stage(role.value, due_at + step * n) for n, role in enumerate(rungs)]


def open_stages(
    every: Iterable[Stage], done: Collection[str], due_at: datetime, now: datetime
) -> list[Stage]:
    """Those that are still to come or to be caught up. A warning is pointless once the term is over."""
    return [s for s in every if s.name not in done and not (s.name == WARN and now > due_at)]
