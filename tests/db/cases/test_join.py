"""The system joins what is certainly one matter, and a person takes it apart again."""

from typing import Any

import pytest

from server.cases import jobs
from server.cases import services as cases
from server.cases.models import Case
from server.cases.rules import Step
from server.core.tasks import Work
from server.triage.models import DuplicateSuggestion
from tests.factories.county import County

REASON = {"code": "same_photo", "params": {}}


@pytest.fixture
def pair(county: County) -> tuple[Case, Case, DuplicateSuggestion]:
    """Two cases, and what triage is certain of."""
    earlier, later = county.report(), county.report()
    first, second = (
        cases.open_case(county.session, county.clock, county.parts, report) for report in (earlier, later)
    )
    suggestion = DuplicateSuggestion(
        report_id=later.id,
        other_id=earlier.id,
        outcome="automatic",
        score=0.99,
        reasons=[REASON],
        model="test",
        created_at=county.clock.now(),
    )
    county.session.add(suggestion)
    county.session.flush()
    return first, second, suggestion


def join(county: County, suggestion: DuplicateSuggestion) -> None:
    payload = {"report_id": str(suggestion.report_id), "other_id": str(suggestion.other_id)}
    jobs.join_reports(Work(county.session, county.clock, county.parts), payload)


def test_the_later_case_joins_the_earlier_with_the_reasons_once(
    county: County, pair: tuple[Case, Case, DuplicateSuggestion]
) -> None:
    first, second, suggestion = pair
    join(county, suggestion)
    join(county, suggestion)
    assert (second.state, second.merged_into_id) == ("merged", first.id)
    event = cases_events(county, second)[-1]
    assert (event.step, event.actor_id, event.fields["reasons"]) == ("merge", None, [REASON])


def test_a_persons_no_and_begun_work_keep_them_apart(
    county: County, pair: tuple[Case, Case, DuplicateSuggestion]
) -> None:
    _, second, suggestion = pair
    suggestion.judged = "different"
    join(county, suggestion)
    assert second.state == "registered"
    suggestion.judged, suggestion.outcome = None, "suggested"
    join(county, suggestion)
    assert second.state == "registered"


def test_the_desk_takes_them_apart_again(
    county: County, pair: tuple[Case, Case, DuplicateSuggestion]
) -> None:
    _, second, suggestion = pair
    join(county, suggestion)
    county.step(second, Step.UNMERGE, "desk", reason="不是同一家")
    assert (second.state, second.merged_into_id) == ("registered", None)


def cases_events(county: County, case: Case) -> list[Any]:
    from tests.db.cases.test_services import events

    return events(county, case)
