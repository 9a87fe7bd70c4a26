"""GET /desk/queues and /desk/cases."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from server.app import Gridwatch
from server.cases.rules import Step
from server.core.db import db
from server.feedback.models import Message
from server.reports import queues
from server.reports.rules import Filters, Queue
from server.routing.models import RoutingProposal
from server.triage.models import DuplicateSuggestion, SectorProposal
from tests.factories.county import County, enterprise

SignedIn = Callable[[str], dict[str, str]]
REASON = {"code": "distance", "params": {"m": 34}}


def suspect(office: County, report: Any, other: Any, **columns: Any) -> DuplicateSuggestion:
    row = DuplicateSuggestion(
        report_id=report.id,
        other_id=other.id,
        score=0.9,
        reasons=[REASON],
        model="v1",
        created_at=office.clock.now(),
        **columns,
    )
    office.session.add(row)
    office.session.flush()
    return row


def test_every_case_lies_in_the_queue_of_its_state(
    client: FlaskClient, office: County, signed_in: SignedIn
) -> None:
    for until in ("registered", "registered", "to_sign", "transferred", "rectifying", "replied", "archived"):
        office.case(until)
    returned = office.case("transferred")
    office.step(returned, Step.RETURN, "fire1", reason="不属于本单位职责")
    desk = signed_in("desk")
    counts = {
        row["code"]: row["count"] for row in client.get("/api/v1/desk/queues", headers=desk).json["queues"]
    }
    assert counts == {
        "new": 2,
        "duplicates": 0,
        "to_sign": 1,
        "to_approve": 0,
        "returned": 1,
        "overdue": 0,
        "due_soon": 2,  # to be signed within three days, to be signed for within two working days
        "objections": 0,
        "in_hand": 2,
        "to_archive": 1,
    }
    for code, count in counts.items():
        listed = client.get(f"/api/v1/desk/cases?queue={code}", headers=desk).json["items"]
        assert len(listed) == count, code
    everything = client.get("/api/v1/desk/cases", headers=desk).json
    assert (len(everything["items"]), everything["next"]) == (8, None)


def test_a_row_tells_what_a_decision_needs(client: FlaskClient, office: County, signed_in: SignedIn) -> None:
    firm = enterprise(office)
    flag = {"code": "outside_county", "field": "place", "detail": None}
    report = office.report("长" * 200, enterprise_id=firm.id, flags=[flag])
    photo = office.photo(report.submission_id)
    case = office.case(report=report)
    office.session.add(
        Message(id=report.id, report_id=report.id, at=office.clock.now(), from_reporter=True, text="请快一点")
    )
    row = client.get("/api/v1/desk/cases?queue=new", headers=signed_in("desk")).json["items"][0]
    assert row == {
        "id": str(case.id),
        "number": case.number,
        "state": "registered",
        "version": 1,
        "title": "",
        "matter": "",
        "sector_no": None,
        "kind": "tip",
        "risk": None,
        "area_name": "grid",
        "enterprise": firm.name,
        "first_received_at": report.received_at.isoformat(),
        "due_at": None,
        "text": "长" * 120,
        "thumb": str(photo.id),
        "media_count": 1,
        "suggested_duplicates": 0,
        "urgent": False,
        "flags": ["message", "outside_county"],
        "unit_name": None,
    }


def test_pages_follow_each_other_without_gap_or_double(
    client: FlaskClient, office: County, signed_in: SignedIn
) -> None:
    same_time = office.clock.now()
    numbers = [
        office.case(report=office.report(received_at=same_time - timedelta(days=n // 3))).number
        for n in range(7)
    ]
    desk = signed_in("desk")
    listed: list[str] = []
    after = ""
    while True:
        page = client.get(f"/api/v1/desk/cases?queue=new&limit=3{after}", headers=desk).json
        listed += [row["number"] for row in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert sorted(listed) == sorted(numbers)
    # the oldest first
    assert listed[0] == numbers[6]
    assert set(listed[-3:]) == set(numbers[:3])


@pytest.mark.parametrize("after", ["x", "w7_Dvw==", "MjAyNi0xMS0yM3x4"])
def test_a_mark_that_is_not_ours_is_told(client: FlaskClient, signed_in: SignedIn, after: str) -> None:
    answer = client.get(f"/api/v1/desk/cases?after={after}", headers=signed_in("desk"))
    assert (answer.status_code, answer.json["code"]) == (400, "cases.after")


def test_queues_hold_only_what_is_in_ones_area(
    client: FlaskClient, office: County, signed_in: SignedIn
) -> None:
    office.case()
    office.case(report=office.report(area_id=None))
    mine = office.case(report=office.report(area_id=office.areas["other_town"].id))
    other = signed_in("other_desk")
    assert client.get("/api/v1/desk/queues", headers=other).json["queues"][0] == {
        "code": "new",
        "count": 1,
        "more": False,
    }
    assert [row["id"] for row in client.get("/api/v1/desk/cases", headers=other).json["items"]] == [
        str(mine.id)
    ]
    for login in ("desk", "leader"):
        assert client.get("/api/v1/desk/queues", headers=signed_in(login)).json["queues"][0]["count"] == 3


@pytest.mark.parametrize("login", ["fire1", "inspector", "reward", "admin"])
def test_the_desk_is_for_desk_and_leaders(client: FlaskClient, signed_in: SignedIn, login: str) -> None:
    for path in ("queues", "cases"):
        assert client.get(f"/api/v1/desk/{path}", headers=signed_in(login)).status_code == 403
        assert client.get(f"/api/v1/desk/{path}").status_code == 401


def test_a_suspected_duplicate_is_shown_side_by_side_until_it_is_judged_or_merged(
    client: FlaskClient, office: County, signed_in: SignedIn
) -> None:
    earlier, later = office.report("仓库门锁着"), office.report("仓库的门上了锁")
    photo = office.photo(earlier.submission_id)
    first, second = office.case(report=earlier), office.case(report=later)
    suggestion = suspect(office, later, earlier)
    office.session.commit()
    desk = signed_in("desk")
    assert [
        row["id"] for row in client.get("/api/v1/desk/cases?queue=duplicates", headers=desk).json["items"]
    ] == [str(second.id)]
    shown = client.get(f"/api/v1/cases/{second.id}", headers=desk).json["suggestions"]
    assert [(row["id"], row["score"], row["reasons"], row["judged"]) for row in shown] == [
        (str(suggestion.id), 0.9, [REASON], None)
    ]
    other = shown[0]["other"]
    assert (other["case_id"], other["number"], other["text"]) == (str(first.id), first.number, "仓库门锁着")
    assert [medium["id"] for medium in other["media"]] == [str(photo.id)]
    # seen from the other side too
    mirrored = client.get(f"/api/v1/cases/{first.id}", headers=desk).json["suggestions"]
    assert mirrored[0]["other"]["case_id"] == str(second.id)
    office.step(second, Step.MERGE, "desk", into=str(first.id))
    office.session.commit()
    page = client.get(f"/api/v1/cases/{first.id}", headers=desk).json
    assert page["suggestions"] == []
    # Neither the queue nor its number asks for a judgement of what lies in one case.
    assert client.get("/api/v1/desk/cases?queue=duplicates", headers=desk).json["items"] == []
    [row] = client.get("/api/v1/desk/cases?queue=new", headers=desk).json["items"]
    assert (row["id"], row["suggested_duplicates"]) == (str(first.id), 0)
    assert [report["text"] for report in page["reports"]] == ["仓库门锁着", "仓库的门上了锁"]


def test_of_a_suspected_duplicate_in_another_area_only_its_number_is_told(
    client: FlaskClient, office: County, signed_in: SignedIn
) -> None:
    theirs, mine = office.report("河对岸的仓库"), office.report(area_id=office.areas["other_town"].id)
    office.photo(theirs.submission_id)
    first, second = office.case(report=theirs), office.case(report=mine)
    suggestion = suspect(office, mine, theirs)
    office.session.commit()
    town, path = signed_in("other_desk"), f"/api/v1/suggestions/{suggestion.id}/judgement"
    [shown] = client.get(f"/api/v1/cases/{second.id}", headers=town).json["suggestions"]
    assert (shown["in_reach"], shown["reasons"]) == (False, [])
    other = shown["other"]
    assert other["number"] == first.number
    assert (other["text"], other["place"], other["enterprise"], other["media"]) == ("", None, None, [])
    # Who may not read both does not judge; who sees both does.
    assert client.post(path, json={"same": True}, headers=town).status_code == 404
    county = signed_in("desk")
    [whole] = client.get(f"/api/v1/cases/{second.id}", headers=county).json["suggestions"]
    assert (whole["in_reach"], whole["reasons"], whole["other"]["text"]) == (True, [REASON], "河对岸的仓库")
    assert client.post(path, json={"same": True}, headers=county).status_code == 200


def test_the_machines_proposals_are_shown_with_their_reasons(
    client: FlaskClient, office: County, signed_in: SignedIn
) -> None:
    report = office.report()
    case = office.case(report=report)
    now = office.clock.now()
    office.session.add_all(
        [
            SectorProposal(
                report_id=report.id,
                ranked=[
                    {"sector_no": 6, "p": 0.8, "reasons": [REASON]},
                    {"sector_no": 99, "p": 0.1, "reasons": []},
                ],
                decided=True,
                model="v1",
                created_at=now,
            ),
            RoutingProposal(
                report_id=report.id,
                unit_id=office.units["fire"].id,
                rule="lead",
                reasons=[REASON],
                created_at=now,
            ),
        ]
    )
    page = client.get(f"/api/v1/cases/{case.id}", headers=signed_in("desk")).json
    fire = office.units["fire"]
    assert page["proposed"] == {
        "unit": {"id": str(fire.id), "name": fire.name},
        "rule": "lead",
        "reasons": [REASON],
    }
    assert page["sectors"] == [{"sector_no": 6, "title": "行业 6", "p": 0.8, "reasons": [REASON]}]
    # a proposal is not a decision
    assert (page["unit_id"], page["sector_no"]) == (None, None)


def test_a_long_queue_takes_as_many_queries_as_a_short_one(app: Gridwatch, office: County) -> None:
    def queries() -> int:
        seen: list[str] = []
        with app.app_context():
            sa.event.listen(db.engine, "before_cursor_execute", lambda *call: seen.append(call[2]))
            queues.page(db.session(), office.clock, office.actor("desk"), Queue.NEW, Filters(), None, 50)
        return len(seen)

    for _ in range(2):
        office.case()
    office.session.commit()
    few = queries()
    for _ in range(10):
        report = office.report()
        office.photo(report.submission_id)
        office.case(report=report)
    office.session.commit()
    assert queries() == few


def test_a_matter_that_comes_again_is_told_on_both_pages_and_in_the_file(
    client: FlaskClient, office: County, signed_in: SignedIn
) -> None:
    place = enterprise(office)
    first = office.report(enterprise_id=place.id)
    closed = office.case("archived", first)
    office.clock.advance(timedelta(days=40))
    later = office.report(enterprise_id=place.id)
    again = office.case(report=later)
    row = suspect(office, later, first, outcome="recurrence")
    office.session.commit()
    desk = signed_in("desk")
    for case, other, earlier in ((again, closed, True), (closed, again, False)):
        (told,) = client.get(f"/api/v1/cases/{case.id}", headers=desk).get_json()["suggestions"]
        assert (told["outcome"], told["earlier"]) == ("recurrence", earlier)
        assert told["other"]["number"] == other.number
        assert (told["other"]["closed_at"] is not None) == earlier
    path = f"/api/v1/enterprises/{place.id}/cases"
    new, old = client.get(path, headers=desk).get_json()
    assert (new["id"], old["id"], old["again"]) == (str(again.id), str(closed.id), None)
    assert new["again"] == {
        "case_id": str(closed.id),
        "number": closed.number,
        "closed_at": old["closed_at"],
    }
    # Another town's desk does not see them, and an inspector does not learn who was reported.
    assert client.get(path, headers=signed_in("other_desk")).json == []
    assert client.get(path, headers=signed_in("inspector")).status_code == 403
    # A desk that sees the new one alone is not told which one it brings back.
    again.area_id = office.areas["other_town"].id
    office.session.commit()
    (told,) = client.get(path, headers=signed_in("other_desk")).get_json()
    assert (told["id"], told["again"]) == (str(again.id), None)
    row.judged = "different"
    office.session.commit()
    assert client.get(path, headers=desk).json[0]["again"] is None
