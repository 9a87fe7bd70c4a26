"""How alike texts are, by signs and by what they mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.triage.likeness import Likeness, Rarity, Reader, meanings

texts = st.text("安全出口锁着火电动车充电煤气罐漏气灭火器过期楼道堆杂物", max_size=40)


def likeness(a: str, b: str, rarity: Rarity | None = None) -> Likeness:
    rarity = rarity or Rarity()
    return Reader(a, meanings(a), rarity).compare(b, meanings(b))


@given(texts, texts)
def test_likeness_is_the_same_both_ways_and_within_bounds(a: str, b: str) -> None:
    forth, back = likeness(a, b), likeness(b, a)
    for name in ("cosine", "order", "part", "meaning", "contained"):
        value = getattr(forth, name)
        assert value == pytest.approx(getattr(back, name))
        assert 0 <= value <= 1 + 1e-9
    assert forth.apart == pytest.approx(back.apart)


@given(texts.filter(bool))
def test_a_text_is_wholly_like_itself(text: str) -> None:
    found = likeness(text, text)
    assert found.cosine == pytest.approx(1)
    assert found.order == found.part == 1
    assert found.apart == 0


def test_other_words_for_one_hazard_mean_the_same() -> None:
    other_words = likeness("后门挂了铁链子推不开", "疏散出口上锁")
    another = likeness("后门挂了铁链子推不开", "灶上的液化气瓶漏气")
    assert other_words.meaning > 0.5 > another.meaning
    assert other_words.cosine < 0.2


def test_a_word_within_a_longer_one_says_nothing_of_its_own() -> None:
    assert "灭火器" in meanings("灭火瓶")
    assert "气瓶" in meanings("液化气瓶")
    assert "燃气" not in meanings("液化气瓶")


def test_what_everybody_writes_counts_less() -> None:
    rarity = Rarity()
    before = likeness("消防水池干了", "消防沙箱空了", rarity).cosine
    for _ in range(500):
        rarity.add(frozenset({"消", "防", "消防"}), frozenset())
    assert likeness("消防水池干了", "消防沙箱空了", rarity).cosine < before
