"""docs/workflow.md, written from the table of steps so that it cannot say anything else than the code does."""

from collections.abc import Iterable

from server.cases.fields import Field
from server.cases.rules import (
    AFTER_FINDING,
    ALIVE,
    BESIDE,
    CLOCKS,
    CLOSED,
    OF_THE_REPORTER,
    STAGE,
    STEPS,
    THE_REPORTERS,
    Length,
    Side,
    State,
    Transition,
)

HEAD = """# The workflow of a case

Written by `./manage.py docs` from `server/cases/rules.py`; change the table there, not this page.
The diagram shows the ways between the states; below it stand the steps that keep a case in its state.

"""


HANDED_OVER = """
An objection is possible to what the bureau itself answered, refused or redirected (DOMAIN.md §2). To a hand-over of a
suspected crime it is not: two officers proposed it, the head decided, and from then on the other authority has the
matter and its own remedies. A leader can still `reopen` it with a reason, and the desk can write to the reporter.
"""


def render_workflow() -> str:
    """The whole page as Markdown with a Mermaid diagram."""
    ways = [row for row in STEPS if row.target]
    beside = [row for row in STEPS if not row.target]
    head = ["step", "from", "to", "who", "must be given", "only", "the reporter reads", "told"]
    return (
        HEAD
        + _diagram(ways)
        + "\n## Ways between states\n\n"
        + _table(head, [_row(row) for row in ways])
        + HANDED_OVER
        + "\n## Beside the main way\n\n"
        + "They leave the state as it is and open or close something beside it.\n\n"
        + _table(
            ["step", "in", "who", "must be given", "only", "opens", "closes", "told"],
            [_aside(row) for row in beside],
        )
        + "\n## Clocks\n\n"
        + "The whole (`handle`) runs from acceptance to the answer, through every return. "
        + "The clocks of a stage and of the whole stand still while a case is `suspended`. "
        + "The day after the event is day 1; days end at midnight in China. "
        + f"Nobody is warned of {_code(OF_THE_REPORTER)}, which is the reporter's own time, nor does it climb.\n\n"
        + _table(["clock", "runs while", "how long", "source"], [_clock(term) for term in CLOCKS])
    )


def _diagram(ways: list[Transition]) -> str:
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> registered: register"]
    for row in ways:
        if row.target is State.HANDED_OVER:  # from everywhere: the line would hide the others
            lines.append(f"    to_reply --> handed_over: {row.step} (from any state that is not closed)")
            continue
        for source in row.sources:
            lines += [f"    {source} --> {to}: {_label(row, to)}" for to in _targets(row)]
    return "\n".join([*lines, "    archived --> [*]", "```", ""])


def _targets(row: Transition) -> list[State]:
    return [row.target] if isinstance(row.target, State) else list(dict.fromkeys(AFTER_FINDING.values()))


def _label(row: Transition, to: State) -> str:
    if isinstance(row.target, State):
        return row.step.value
    return f"{row.step} ({', '.join(finding for finding, state in AFTER_FINDING.items() if state is to)})"


def _row(row: Transition) -> list[str]:
    told = row.told or ""
    return [row.step, _sources(row), " or ".join(_targets(row)), *_common(row), told, ", ".join(row.notify)]


def _aside(row: Transition) -> list[str]:
    return [
        row.step,
        _sources(row),
        *_common(row),
        ", ".join(row.opens),
        ", ".join(row.closes),
        ", ".join(row.notify),
    ]


def _sources(row: Transition) -> str:
    if set(row.sources) == set(ALIVE):
        return "all but archived, merged"
    missing = set(State) - set(row.sources)
    if len(missing) < len(row.sources) and missing <= CLOSED:
        return f"all but {', '.join(state for state in State if state in missing)}"
    return ", ".join(row.sources)


def _common(row: Transition) -> list[str]:
    """Who, what must be given, and under which conditions."""
    who = [*row.roles, *(["the reporter"] if row.step in THE_REPORTERS else [])]
    only = [
        *(f"while {side}" for side in row.during),
        *(["nothing open"] if set(row.unless) == set(Side) else (f"unless {side}" for side in row.unless)),
        *(f"once ({step})" for step in row.not_after),
        *([f"another person than took {', '.join(row.other_than)}"] if row.other_than else []),
    ]
    fields = "; ".join(_field(field) for field in row.fields)
    return [", ".join(who) or "the system", fields, "; ".join(only)]


def _field(field: Field) -> str:
    kind = " / ".join(field.choices) or field.type.value
    least = f", at least {field.min_items}" if field.min_items else ""
    read = ", the reporter reads it" if field.reporter_reads else ""
    return f"{field.name} ({kind}{least}{read}{'' if field.required else ', may be left out'})"


def _clock(term: str) -> list[str]:
    while_open = [state.value for state, name in STAGE.items() if name == term]
    while_open += [f"{side} (beside)" for side, name in BESIDE.items() if name == term]
    size = next(size for name, size in CLOCKS.items() if name == term)
    return [term, ", ".join(while_open) or "acceptance to answer", _length(size), size.source or "house rule"]


def _code(terms: Iterable[str]) -> str:
    return ", ".join(f"`{term}`" for term in sorted(terms))


def _length(size: Length) -> str:
    return f"{size.amount} {size.days}" + ("" if size.days == "hours" else " days")


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
