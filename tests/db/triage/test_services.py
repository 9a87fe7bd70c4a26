"""Triage on a real database: keys are indexed, suggestions stay what people made of them."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from server.audit.models import AuditEntry
from server.core.clock import FixedClock
from server.core.errors import NotFound
from server.core.parts import Parts
from server.core.tasks import Task, Work
from server.intake.models import Report
from server.triage import jobs, keys, rules, services, store
from server.triage.model import shipped
from server.triage.models import (
    BlockingKey,
    Digest,
    DuplicateSuggestion,
    HazardType,
    SectorProposal,
    TriageCosts,
)
from server.triage.reading import Told
from tests.factories import reports as make

PHOTO = "8f3c61a7d20e5b94"
HERE = {"lat": 34.47, "lng": 100.245, "accuracy_m": 15.0}
NEXT_TOWN = {"lat": 34.68, "lng": 100.64}
EXIT = "后门安全出口用铁链锁着，里面住着客人，着火跑不出来"
EXIT_AGAIN = "安全出口上了锁，铁链拴着打不开，好多客人住着"

Assessed = Callable[..., Report]


@pytest.fixture
def assessed(session: Session, clock: FixedClock) -> Assessed:
    """A report that came and was assessed at once."""

    def come(text: str = "", *photos: str, **fields: Any) -> Report:
        report = make.report(session, text, **fields)
        for dhash in photos:
            make.photo(session, report, dhash)
        services.assess(session, clock, report.id)
        return report

    return come


def pairs(session: Session) -> set[tuple[uuid.UUID, uuid.UUID]]:
    rows = session.execute(sa.select(DuplicateSuggestion.report_id, DuplicateSuggestion.other_id))
    return {(report_id, other_id) for report_id, other_id in rows}


def suggestions(session: Session, report: Report) -> list[DuplicateSuggestion]:
    rows = sa.select(DuplicateSuggestion).where(DuplicateSuggestion.report_id == report.id)
    return list(session.scalars(rows.order_by(DuplicateSuggestion.score.desc())))


def test_a_second_report_of_a_place_is_suggested_with_reasons(session: Session, assessed: Assessed) -> None:
    first = assessed(EXIT, **HERE)
    second = assessed(EXIT_AGAIN, **HERE, received_at=make.NOON + timedelta(hours=2))
    (suggestion,) = suggestions(session, second)
    assert suggestion.other_id == first.id
    assert suggestion.score >= rules.USUAL.threshold
    assert suggestion.model == shipped().version
    assert suggestion.outcome == "suggested"
    assert {"code": "hours_apart", "params": {"hours": 2}} in suggestion.reasons
    assert suggestions(session, first) == []


def test_another_place_is_not(session: Session, assessed: Assessed) -> None:
    assessed(EXIT, **HERE)
    assessed(EXIT, **NEXT_TOWN)
    assert pairs(session) == set()


def test_a_registered_enterprise_is_found_by_its_short_name(session: Session, assessed: Assessed) -> None:
    town = make.area(session, "632621100", "大武镇", "town")
    hotel = make.enterprise(session, "玛沁县雪域大酒店有限公司", town, short_name="雪域酒店")
    first = assessed(EXIT, enterprise_id=hotel.id)
    second = assessed(EXIT_AGAIN, enterprise_words="大武雪域酒店")
    assert pairs(session) == {(second.id, first.id)}


def test_a_photo_that_comes_later_finds_its_earlier_twin(
    session: Session, clock: FixedClock, assessed: Assessed
) -> None:
    first = assessed("看图", PHOTO, **HERE)
    second = assessed("这里不对", **NEXT_TOWN)
    assert pairs(session) == set()
    make.photo(session, second, f"{int(PHOTO, 16) ^ 0b101:016x}")
    services.compare_photo(session, clock, second.submission_id)
    (suggestion,) = suggestions(session, second)
    assert suggestion.other_id == first.id
    assert suggestion.reasons[0]["code"] == "same_photo_elsewhere"


def test_a_photo_of_the_earlier_report_that_comes_last_is_suggested_to_the_later_one(
    session: Session, clock: FixedClock, assessed: Assessed
) -> None:
    first = assessed("看图", **HERE)
    second = assessed("", PHOTO, **HERE)
    make.photo(session, first, PHOTO)
    services.compare_photo(session, clock, first.submission_id)
    assert pairs(session) == {(second.id, first.id)}


def test_a_photo_without_its_report_is_left_to_the_report(session: Session, clock: FixedClock) -> None:
    services.compare_photo(session, clock, uuid.uuid4())
    assert session.scalar(sa.select(sa.func.count(BlockingKey.key))) == 0


def test_a_picture_that_is_not_ready_is_not_compared(
    session: Session, clock: FixedClock, assessed: Assessed
) -> None:
    assessed("看图", PHOTO, **HERE)
    second = make.report(session, "这里不对", **NEXT_TOWN)
    make.photo(session, second, PHOTO, state="set_aside")
    services.assess(session, clock, second.id)
    assert pairs(session) == set()


def test_reports_assessed_in_the_wrong_order_are_paired_all_the_same(
    session: Session, clock: FixedClock, assessed: Assessed
) -> None:
    first = make.report(session, EXIT, **HERE)
    second = assessed(EXIT_AGAIN, **HERE)
    services.assess(session, clock, first.id)
    assert pairs(session) == {(second.id, first.id)}


def test_assessing_again_changes_nothing(session: Session, clock: FixedClock, assessed: Assessed) -> None:
    assessed(EXIT, **HERE)
    second = assessed(EXIT_AGAIN, **HERE)
    before = [(s.id, s.score, s.reasons) for s in suggestions(session, second)]
    keys = session.scalar(sa.select(sa.func.count()).select_from(BlockingKey))
    clock.advance(timedelta(hours=1))
    services.assess(session, clock, second.id)
    session.expire_all()
    assert [(s.id, s.score, s.reasons) for s in suggestions(session, second)] == before
    assert session.scalar(sa.select(sa.func.count()).select_from(BlockingKey)) == keys
    assert session.scalar(sa.select(sa.func.count()).select_from(SectorProposal)) == 2


def test_at_most_three_are_suggested_of_many(session: Session, assessed: Assessed) -> None:
    for _ in range(6):
        last = assessed(EXIT, **HERE)
    assert len(suggestions(session, last)) == rules.SUGGESTED


def test_a_closed_matter_is_suggested_for_30_days_only(
    session: Session, clock: FixedClock, assessed: Assessed
) -> None:
    first = assessed(EXIT, **HERE)
    services.mark_closed(session, [first.id], clock.now())
    within = assessed(EXIT, **HERE, received_at=make.NOON + timedelta(days=29))
    services.mark_closed(session, [within.id], clock.now())
    assessed(EXIT, **HERE, received_at=make.NOON + timedelta(days=60))
    rows = session.scalars(sa.select(DuplicateSuggestion).where(DuplicateSuggestion.outcome != "recurrence"))
    assert [(row.report_id, row.other_id) for row in rows] == [(within.id, first.id)]


def test_an_open_matter_is_suggested_however_old(
    session: Session, clock: FixedClock, assessed: Assessed
) -> None:
    first = assessed(EXIT, **HERE)
    services.mark_closed(session, [first.id], clock.now())
    services.mark_closed(session, [first.id], None)
    later = assessed(EXIT, **HERE, received_at=make.NOON + timedelta(days=40))
    (suggestion,) = suggestions(session, later)
    assert suggestion.other_id == first.id
    assert "still_open" in {reason["code"] for reason in suggestion.reasons}


def test_two_that_are_assessed_at_once_do_not_miss_each_other(
    sessions: sessionmaker[Session], clock: FixedClock
) -> None:
    with sessions() as session:
        first, second = (make.report(session, text, **HERE).id for text in (EXIT, EXIT_AGAIN))
        session.commit()
    with sessions() as one, ThreadPoolExecutor(1) as other_worker:
        services.assess(one, clock, second)

        def assess_first() -> None:
            with sessions() as other:
                services.assess(other, clock, first)
                other.commit()

        waiting = other_worker.submit(assess_first)
        with pytest.raises(FutureTimeout):  # it waits for the other's keys
            waiting.result(timeout=0.5)
        one.commit()
        waiting.result()
    with sessions() as session:
        assert pairs(session) == {(second, first)}


@pytest.mark.parametrize(("same", "word"), [(True, "same"), (False, "different")])
def test_a_persons_word_is_audited_and_outlives_every_rerun(
    session: Session, clock: FixedClock, assessed: Assessed, same: bool, word: str
) -> None:
    assessed(EXIT, **HERE)
    second = assessed(EXIT_AGAIN, **HERE)
    (suggestion,) = suggestions(session, second)
    actor = make.desk(session)
    services.judge(session, clock, actor, suggestion.id, same)
    score = suggestion.score
    make.photo(session, second, PHOTO)
    services.compare_photo(session, clock, second.submission_id)
    session.expire_all()
    (after,) = suggestions(session, second)
    assert (after.judged, after.judged_by, after.judged_at) == (word, actor.person_id, clock.now())
    assert after.score == score
    entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.entity_id == suggestion.id)).one()
    assert (entry.action, entry.facts["judged"], entry.actor_id) == ("triage.judge", word, actor.person_id)


def test_the_same_word_twice_is_one_act_and_another_word_is_a_second(
    session: Session, clock: FixedClock, assessed: Assessed
) -> None:
    assessed(EXIT, **HERE)
    second = assessed(EXIT_AGAIN, **HERE)
    (suggestion,) = suggestions(session, second)
    actor = make.desk(session)
    for same in (True, True, False):
        services.judge(session, clock, actor, suggestion.id, same)
    entries = session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [(e.facts["before"], e.facts["judged"]) for e in entries] == [
        (None, "same"),
        ("same", "different"),
    ]


def test_only_the_desk_of_the_place_has_a_say(
    session: Session, clock: FixedClock, assessed: Assessed
) -> None:
    county = make.area(session, "632621", "玛沁县", "county")
    dawu = make.area(session, "632621100", "大武镇", "town", county)
    lajia = make.area(session, "632621101", "拉加镇", "town", county)
    assessed(EXIT, **HERE, area_id=dawu.id)
    second = assessed(EXIT_AGAIN, **HERE, area_id=dawu.id)
    (suggestion,) = suggestions(session, second)
    for stranger in (make.desk(session, lajia.path), make.person(session, "网格员")):
        with pytest.raises(NotFound):
            services.judge(session, clock, stranger, suggestion.id, True)
    with pytest.raises(NotFound):
        services.judge(session, clock, make.desk(session), uuid.uuid4(), True)
    services.judge(session, clock, make.desk(session, dawu.path), suggestion.id, True)


def test_what_has_no_place_is_judged_by_the_county(
    session: Session, clock: FixedClock, assessed: Assessed
) -> None:
    county = make.area(session, "632621", "玛沁县", "county")
    dawu = make.area(session, "632621100", "大武镇", "town", county)
    assessed(EXIT, **HERE)
    second = assessed(EXIT_AGAIN, **HERE, area_id=dawu.id)
    (suggestion,) = suggestions(session, second)
    with pytest.raises(NotFound):
        services.judge(session, clock, make.desk(session, dawu.path), suggestion.id, True)
    services.judge(session, clock, make.desk(session, county.path), suggestion.id, True)


def test_a_key_that_hundreds_share_gives_few_candidates(session: Session, assessed: Assessed) -> None:
    first = make.report(session, EXIT, **HERE)
    told = Told(seq=first.seq, received_at=first.received_at)
    for _ in range(200):
        other = make.report(session)
        session.add(Digest(report_id=other.id, seq=other.seq, received_at=make.NOON, facts=told.stored()))
        session.flush()
        session.add(
            BlockingKey(report_id=other.id, key=keys.number("company:雪域大酒店"), received_at=make.NOON)
        )
    session.flush()
    sought = {"company:雪域大酒店": keys.KINDS["company"]}
    found = store.candidates(session.connection(), first.id, told, sought)
    assert len(found) == rules.CANDIDATES < keys.KINDS["company"].limit


def test_candidates_are_found_by_index(session: Session) -> None:
    session.execute(sa.text("SET LOCAL enable_seqscan = off"))
    session.execute(sa.text("SET LOCAL enable_bitmapscan = off"))
    query = (
        "SELECT report_id FROM blocking_key WHERE key = 1 AND received_at > now() ORDER BY received_at DESC"
    )
    plan = "\n".join(session.scalars(sa.text(f"EXPLAIN {query} LIMIT 40")))
    assert "pk_blocking_key" in plan
    assert "Sort" not in plan


def test_nearly_equal_texts_without_a_picture_are_never_joined_by_the_system(
    session: Session, assessed: Assessed
) -> None:
    for number in range(20):
        place = {"lat": 34.47 + 0.018 * (number // 2), "lng": 100.245}  # in twos, 2 km from the next
        at = make.NOON + timedelta(minutes=number)
        assessed(EXIT + "！" * (number % 3), received_at=at, enterprise_words="雪域大酒店", **place)
    outcomes = set(session.scalars(sa.select(DuplicateSuggestion.outcome)))
    assert outcomes == {"suggested"}
    assert not session.scalars(sa.select(Task).where(Task.kind == "cases.join_reports")).all()


def test_the_same_picture_at_the_same_place_is_joined_by_the_system(
    session: Session, assessed: Assessed
) -> None:
    first = assessed(EXIT, PHOTO, **HERE)
    second = assessed("快来看看这里", PHOTO, **HERE, received_at=make.NOON + timedelta(hours=2))
    (suggestion,) = suggestions(session, second)
    assert suggestion.outcome == "automatic"
    asked = sa.select(Task.payload).where(Task.kind == "cases.join_reports")
    assert session.scalars(asked).all() == [{"report_id": str(second.id), "other_id": str(first.id)}]


def test_a_closed_matter_that_comes_again_is_a_recurrence_for_a_year(
    session: Session, clock: FixedClock, assessed: Assessed
) -> None:
    words = {**HERE, "enterprise_words": "雪域大酒店", "hazard_type": None}
    first = assessed(EXIT, **words)
    services.mark_closed(session, [first.id], clock.now())
    again = assessed(EXIT, **words, received_at=make.NOON + timedelta(days=200))
    services.mark_closed(session, [again.id], clock.now())
    assessed(EXIT, **words, received_at=make.NOON + timedelta(days=600))
    (row,) = session.scalars(sa.select(DuplicateSuggestion))
    assert (row.report_id, row.other_id, row.outcome) == (again.id, first.id, "recurrence")
    assert row.reasons[0] == {"code": "came_again", "params": {"days": 200}}


def test_costs_of_an_area_choose_what_is_shown(session: Session, assessed: Assessed) -> None:
    county = make.area(session, "632621", "玛沁县", "county")
    town = make.area(session, "632621100", "大武镇", "town", county)
    session.add(TriageCosts(area_id=county.id, missed=1e-9, interrupted=1, wrong_merge=50))
    session.flush()
    assessed(EXIT, **HERE, area_id=town.id)
    assessed(EXIT_AGAIN, **HERE, area_id=town.id)
    assert pairs(session) == set()


def test_a_report_without_a_place_is_found_where_others_put_its_company(
    session: Session, assessed: Assessed
) -> None:
    assessed("招牌要掉了", enterprise_words="雪域大酒店", **HERE)
    silent = assessed(EXIT, enterprise_words="雪域大酒店")
    assert session.get_one(Digest, silent.id).facts["guessed"]
    near = assessed(EXIT_AGAIN, **HERE)
    assert (near.id, silent.id) in pairs(session)


def test_sectors_are_proposed_from_text_type_and_register(session: Session, assessed: Assessed) -> None:
    lead = make.unit(session, "县消防救援大队")
    make.sector(session, 6, "持续加强消防安全整治", lead, keywords=("消防", "电动车"))
    make.sector(session, 4, "持续加强非煤矿山安全整治", lead, keywords=("尾矿库",))
    session.add(HazardType(code="exit", sector_no=6, name="安全出口堵塞", name_en="Exit", keywords=["出口"]))
    session.flush()
    quarry = make.enterprise(session, "石料厂", make.area(session, "632621", "玛沁县", "county"), sector_no=4)
    report = assessed("尾矿库旁边宿舍", hazard_type="exit", enterprise_id=quarry.id)
    proposal = services.sectors_for(session, [report.id])[report.id]
    assert [guess["sector_no"] for guess in proposal.ranked] == [6, 4]
    assert {"code": "enterprise_sector", "params": {}} in proposal.ranked[1]["reasons"]
    silent = assessed("快来")
    assert services.sectors_for(session, [silent.id])[silent.id].ranked == []


def test_the_job_tells_that_it_is_done(session: Session, clock: FixedClock, parts: Parts) -> None:
    report = make.report(session, EXIT, **HERE)
    jobs.assess(Work(session, clock, parts), {"report_id": str(report.id)})
    tasks = session.scalars(sa.select(Task)).all()
    assert [(task.kind, task.payload) for task in tasks] == [
        ("routing.propose", {"report_id": str(report.id)})
    ]


def test_a_report_that_does_not_exist_is_an_error(session: Session, clock: FixedClock) -> None:
    with pytest.raises(NotFound):
        services.assess(session, clock, uuid.uuid4())


def test_a_hostile_text_is_read_as_far_as_it_tells(session: Session, assessed: Assessed) -> None:
    many = "".join(f"团结路{i}号" for i in range(20_000))
    assessed(many, **HERE)
    assessed(many, **HERE, enterprise_words="县" * 5000, place_words="9栋" * 5000)
    keys = session.scalar(sa.select(sa.func.count()).select_from(BlockingKey))
    assert 0 < (keys or 0) < 100


# ── the table of hazard types
