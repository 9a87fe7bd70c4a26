from pathlib import Path

from server.cases.rules import STEPS, State, Step
from server.cases.workflow_page import render_workflow

PAGE = Path(__file__).parents[3] / "docs" / "workflow.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == render_workflow(), "write it again with render_workflow()"


def test_the_diagram_draws_every_way() -> None:
    drawn = render_workflow().split("```")[1].splitlines()
    for row in (row for row in STEPS if row.target):
        once = row.step is Step.HAND_OVER  # from nearly everywhere
        for source in [State.TO_REPLY] if once else row.sources:
            ways = [line for line in drawn if line.strip().startswith(f"{source} --> ")]
            assert any(f": {row.step}" in line for line in ways), (source, row.step)


def test_every_step_stands_in_a_table_with_who_may_take_it() -> None:
    page = render_workflow()
    for row in STEPS:
        line = next(line for line in page.splitlines() if line.startswith(f"| {row.step} |"))
        assert all(role in line for role in row.roles), row.step
