"""Learning from confirmed reports: it helps where words do not, and is honest about itself."""

import numpy as np
import pytest

from server.triage.sector_learning import Confirmed, learn
from server.triage.sector_rules import DECIDED, Learned, SectorGuesser
from server.triage.sector_words import SectorWords, Told

TABLE = [SectorWords(6, "消防", ["消防", "安全出口"]), SectorWords(9, "建筑施工", ["脚手架", "塔吊"])]
ALONE = SectorGuesser(TABLE, [])


def confirmed(*told: tuple[str, int], times: int = 10) -> list[Confirmed]:
    return [Confirmed(Told(f"{text}{i}"), no) for i in range(times) for text, no in told]


SAID = confirmed(("后门拿铁丝拧死", 6), ("二楼的窗子焊住", 6), ("架板上站人晃荡", 9), ("坑边的土往下溜", 9))


def test_a_learned_wording_leads_to_its_sector_with_the_reason() -> None:
    learned, _ = learn(ALONE, SAID, "m")
    guesses, _ = SectorGuesser(TABLE, [], learned).guess(Told("他家窗子焊住了"))
    assert guesses[0].sector_no == 6
    (reason,) = [reason for reason in guesses[0].reasons if reason["code"] == "learned"]
    assert set(reason["params"]["words"]) <= {"窗子", "子焊", "焊住", "窗子焊", "子焊住"}


def test_what_the_words_say_is_not_forgotten() -> None:
    learned, _ = learn(ALONE, SAID, "m")
    guesses, _ = SectorGuesser(TABLE, [], learned).guess(Told("塔吊从头上过"))
    assert guesses[0].sector_no == 9


def test_packing_keeps_what_it_says() -> None:
    learned, _ = learn(ALONE, SAID, "m")
    again = Learned.unpacked(learned.packed())
    assert (again.name, again.pieces, again.decided) == (learned.name, learned.pieces, learned.decided)
    assert np.allclose(again.weights, learned.weights, atol=0.01)


def test_random_labels_are_not_praised() -> None:
    """Copies of one text in other folds would let it know the answers."""
    labels = np.random.default_rng(7).choice([6, 9], 40)
    said = [
        Confirmed(Told(f"{chr(0x4E00 + 37 * i)}{chr(0x5E00 + 53 * i)}甲乙"), int(no))
        for i, no in enumerate(labels)
    ]
    _, figures = learn(ALONE, [one for one in said for _ in range(3)], "m")
    assert figures.accuracy < 0.75
    assert figures.decided < 0.5


def test_easy_labels_do_not_make_it_surer_than_the_words_alone() -> None:
    said = [(f"{chr(0x4E00 + 41 * i)}{chr(0x5E00 + 59 * i)}安全出口消防", 6) for i in range(40)]
    said += [(f"{chr(0x4F00 + 43 * i)}{chr(0x6000 + 61 * i)}脚手架塔吊", 9) for i in range(40)]
    learned, figures = learn(ALONE, [Confirmed(Told(text), no) for text, no in said], "m")
    assert figures.accuracy == 1
    assert learned.decided >= DECIDED
    assert learned.sharpness <= 1


def test_a_model_for_other_sectors_is_not_used() -> None:
    learned, _ = learn(ALONE, SAID, "m")
    assert SectorGuesser(TABLE[:1], [], learned).learned is None


def test_nothing_of_this_table_is_an_error() -> None:
    with pytest.raises(ValueError, match="no confirmed report"):
        learn(ALONE, confirmed(("窗", 99)), "m")
