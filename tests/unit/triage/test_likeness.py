"""How alike texts are, by signs and their order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.triage.likeness import Likeness, Rarity, Reader

texts = st.text("安全出口锁着火电动车充电煤气罐漏气灭火器过期楼道堆杂物", max_size=40)


def likeness(a: str, b: str, rarity: Rarity | None = None) -> Likeness:
    rarity = rarity or Rarity()
    return Reader(a, rarity).compare(b)


@given(texts, texts)
def test_likeness_is_the_same_both_ways_and_within_bounds(a: str, b: str) -> None:
    forth, back = likeness(a, b), likeness(b, a)
    for name in ("cosine", "order", "part"):
        value = getattr(forth, name)
        assert value == pytest.approx(getattr(back, name))
        assert 0 <= value <= 1 + 1e-9


@given(texts.filter(bool))
def test_a_text_is_wholly_like_itself(text: str) -> None:
    found = likeness(text, text)
    assert found.cosine == pytest.approx(1)
    assert found.order == found.part == 1


def test_what_everybody_writes_counts_less() -> None:
    rarity = Rarity()
    before = likeness("消防水池干了", "消防沙箱空了", rarity).cosine
    for _ in range(500):
        rarity.add(frozenset({"消", "防", "消防"}))
    assert likeness("消防水池干了", "消防沙箱空了", rarity).cosine < before
