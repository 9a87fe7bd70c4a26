"""The made counties, the locked test, and the lines of `eval triage`."""

import json
import math

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from server.triage.lab import lines
from server.triage.lab.field import LOCKED, LOCKED_HABITS, TRAINING, County, phrases
from server.triage.lab.figures import Figures
from server.triage.lab.train import blocks, exported
from server.triage.model import PairModel, shipped
from server.triage.pairs import COLUMNS


def test_the_same_seed_makes_the_same_county_and_another_makes_another() -> None:
    assert County(3).reports(60) == County(3).reports(60)
    assert County(3).reports(60) != County(4).reports(60)


def test_the_locked_test_shares_no_clause_road_or_tail_with_the_training() -> None:
    banks = (*TRAINING, LOCKED)
    said = [
        {c for hazards in phrases(b.phrases).values() for _, clauses in hazards for c in clauses}
        for b in banks
    ]
    assert all(len(clauses) > 100 for clauses in said)
    for at, one in enumerate(banks):
        for other in range(at):
            assert not said[at] & said[other]
            assert not set(one.roads.split()) & set(banks[other].roads.split())
            assert not set(one.tails) & set(banks[other].tails) - {""}


def test_the_shipped_model_finds_most_of_what_is_one_matter_on_the_locked_test() -> None:
    model, right, wrong, missed = shipped(), 0, 0, 0
    for block in blocks(County(77, LOCKED, LOCKED_HABITS).reports(400)):
        scores = model.scores([pair.row() for pair in block.pairs])
        for score, same in zip(scores, block.same, strict=True):
            right += score >= 0.5 and same
            wrong += score >= 0.5 and not same
            missed += score < 0.5 and same
    assert right > wrong + missed


def test_a_model_read_from_its_file_scores_as_the_library_does() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(600, len(COLUMNS)))
    x[rng.random(x.shape) < 0.2] = np.nan
    y = np.nan_to_num(x[:, 0] - x[:, 3]) + rng.normal(size=600) > 0
    learner = HistGradientBoostingClassifier(max_iter=15, max_leaf_nodes=8).fit(x, y)
    model = PairModel.from_facts(json.loads(json.dumps(exported(learner, "test"))))
    assert model.scores(x.tolist()) == pytest.approx(learner.predict_proba(x)[:, 1].tolist(), abs=1e-3)


def test_a_model_of_other_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="other columns"):
        PairModel.from_facts({"columns": ["distance"]})


ORDINARY = {
    "distance": math.log1p(20),
    "guessed": math.nan,
    "hours": math.log1p(5),
    "company": 0.6,
    "common": math.log1p(2),
    "trade": 1,
    "address": math.nan,
    "landmark": 1,
    "spread": math.log1p(2),
    "building": 0,
    "floor": 0,
    "hazard_type": 0.35,
    "kind": math.log(0.3),
    "cosine": 0.4,
    "order": 0.4,
    "part": 0.4,
    "length": 3.0,
    "photo": math.nan,
}


@pytest.mark.parametrize("column", [name for name, way in COLUMNS.items() if way])
def test_more_likeness_never_makes_a_pair_less_likely(column: str) -> None:
    at = list(COLUMNS).index(column)
    rows = []
    for value in (-1.0, 0.0, 0.25, 0.5, 0.75, 1.0, 3.0, 8.0):
        row = [ORDINARY[name] for name in COLUMNS]
        row[at] = value
        rows.append(row)
    scores = shipped().scores(rows)
    assert scores == sorted(scores, reverse=COLUMNS[column] < 0)


ANYTHING_MISSING = {"id": "a", "at": "2026-03-01T08:00:00", "text": None, "company": None, "address": None}


@pytest.mark.parametrize(
    "line",
    [
        ANYTHING_MISSING,
        ANYTHING_MISSING | {"at": "2026-03-01T08:00:00Z", "lat": None, "photos": None, "incident": None},
        ANYTHING_MISSING | {"lat": 0, "lng": 0, "hazard_type": "没见过的类型", "more": 1},
        ANYTHING_MISSING | {"lat": 999, "lng": 5, "id": 7},
    ],
)
def test_a_line_may_lack_anything(line: dict[str, object]) -> None:
    told = lines.told(1, lines.read(1, json.dumps(line)), {})
    assert told.received_at.tzinfo is not None
    assert told.place is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "line 3 is no JSON"),
        ('{"id": "a"}', "line 3: at"),
        ('{"at": "2026-03-01"}', "line 3: id"),
        ("[]", "line 3"),
    ],
)
def test_a_bad_line_is_named(text: str, said: str) -> None:
    with pytest.raises(lines.BadLine, match=said):
        lines.read(3, text)


def test_the_figures_count_reports_pairs_and_merges() -> None:
    figures = Figures()

    def decided(name: str, incident: str, seen: list[str], shown: list[str], decision: str) -> None:
        line = {"decision": decision, "matches": [{"id": other} for other in shown], "ms": 1.0}
        figures.add(name, incident, seen, line)

    decided("a", "i", [], [], "distinct")
    decided("b", "i", ["a"], ["a"], "automatic")
    decided("c", "j", ["a", "b"], ["b"], "suggested")
    decided("d", "j", ["a"], [], "distinct")
    found = figures.shown()
    assert found["blocking_recall"] == 0.5
    assert found["candidates_mean"] == 1.0
    assert found["found_among_suggested"] == 0.5
    assert found["distinct_with_suggestions"] == 0.5
    assert found["pair_precision"] == 0.5
    assert found["automatic_recall"] == 0.5
    assert found["false_merges_per_1000"] == 0.0
