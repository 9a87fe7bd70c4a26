from pathlib import Path

from server.cases.rules import STEPS
from server.cases.workflow_page import render_workflow

PAGE = Path(__file__).parents[3] / "docs" / "workflow.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == render_workflow(), "write it again with render_workflow()"


def test_the_diagram_draws_every_way() -> None:
    drawn = render_workflow().split("```")[1]
    for row in STEPS:
        for source in row.sources:
            assert any(
                line.strip().startswith(f"{source} --> ") and f": {row.step}" in line
                for line in drawn.splitlines()
            ), (source, row.step)
