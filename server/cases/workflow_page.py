"""docs/workflow.md, written from the table of steps so that it cannot say anything else than the code does."""

from server.cases.rules import (
    AFTER_FINDING,
    CLOCKS,
    FINAL,
    STEPS,
    URGENT_CLOCKS,
    Field,
    Length,
    State,
    Transition,
)

HEAD = """# The workflow of a case

Written by `./manage.py docs` from `server/cases/rules.py`; change the table there, not this page.

"""


def render_workflow() -> str:
    """The whole page as Markdown with a Mermaid diagram."""
    return (
        HEAD
        + _diagram()
        + "\n## Steps\n\n"
        + _table(
            ["step", "from", "to", "who", "must be given", "starts", "ends", "the reporter reads"],
            [_row(row) for row in STEPS],
        )
        + "\n## Clocks\n\n"
        + "The day after the event is day 1; days end at midnight in China.\n\n"
        + _table(["clock", "ordinary", "immediate danger", "source"], [_clock(term) for term in CLOCKS])
    )


def _diagram() -> str:
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> registered: register"]
    for row in STEPS:
        for source in row.sources:
            lines += [f"    {source} --> {to}: {_label(row, to)}" for to in _targets(row)]
    lines += [f"    {state} --> [*]" for state in State if state in FINAL]
    return "\n".join([*lines, "```", ""])


def _targets(row: Transition) -> list[State]:
    return [row.target] if row.target else list(dict.fromkeys(AFTER_FINDING.values()))


def _label(row: Transition, to: State) -> str:
    if row.target:
        return row.step.value
    return f"{row.step} ({', '.join(finding for finding, state in AFTER_FINDING.items() if state is to)})"


def _row(row: Transition) -> list[str]:
    return [
        row.step,
        ", ".join(row.sources),
        " or ".join(_targets(row)),
        ", ".join(row.roles) or "the system",
        "; ".join(_field(field) for field in row.fields),
        ", ".join(row.starts),
        "all" if set(row.ends) == set(CLOCKS) else ", ".join(row.ends),
        row.told or "",
    ]


def _field(field: Field) -> str:
    kind = " / ".join(field.choices) or field.type.value
    least = f", at least {field.min_items}" if field.min_items else ""
    return f"{field.name} ({kind}{least}{'' if field.required else ', may be left out'})"


def _clock(term: str) -> list[str]:
    ordinary = next(size for name, size in CLOCKS.items() if name == term)
    urgent = next((size for name, size in URGENT_CLOCKS.items() if name == term), ordinary)
    sources = ordinary.source if urgent is ordinary else f"{ordinary.source}; {urgent.source}"
    return [term, _length(ordinary), _length(urgent), sources]


def _length(size: Length) -> str:
    return f"{size.amount} {size.days}" + ("" if size.days == "hours" else " days")


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
