"""Sentences of people, and the sector that they belong to."""

import csv
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.triage.sector_rules import DECIDED, Guess, SectorGuesser
from server.triage.sector_words import SectorWords, Told, TypeWords
from server.triage.sectors import HAZARD_TYPES

# The county's table shortened: number, title, some keywords (maqin, 2020).
TABLE = """
1|提高政治站位,认真学习文件精神|安全生产责任制;学习教育;安全生产月
2|推动企业落实安全生产主体责任|主体责任;第一责任人;隐患排查治理;教育培训
3|持续加强危险化学品综合监管和整治|危险化学品;外部安全防护距离;超设计量储存
4|持续加强非煤矿山安全整治|非煤矿山;尾矿库;露天矿山;外包工程;三违
5|持续加强工贸行业安全整治|工贸;三同时;粉尘防爆;涉氨制冷
6|持续加强消防安全整治|消防;生命通道;电动车;彩钢板建筑;三合一;牧区火灾;宗教
7|持续加强道路运输安全整治|超限超载;超员;公交车;黑车;危桥;铲雪除冰
8|持续加强城镇建设安全整治|燃气;瓶装液化石油气;加层;酒店;学校;医院
9|持续加强建筑施工安全整治|建筑施工;深基坑;脚手架;三违;高空坠落
10|加强农业机械安全整治|农机;农业机械;农机考试
11|加强水利行业安全整治|水库;大坝;水电站;非法采砂;河道堤防
12|持续加强特种设备安全整治|特种设备;压力容器;气瓶;电梯;锅炉
13|持续加强民航安全整治|民航;机场净空;无人机;孔明灯;鸽子
14|持续加强电力安全整治|电力;电网;电缆沟;无证上岗
15|加大文化旅游安全整治力度|文化旅游;旅游包车;旅游景区;客流;野外用火
16|加强邮政快递业安全整治|邮政快递;收寄验视;实名收寄;禁限寄物品
17|加强新型生物油安全整治|生物油;工业乙醇;宾馆;饭店
18|持续加强危险废物安全整治|危险废物;固体废物;随意倾倒;渣土;污水
"""


def table() -> list[SectorWords]:
    rows = (line.split("|") for line in TABLE.strip().splitlines())
    return [SectorWords(int(no), title, words.split(";")) for no, title, words in rows]


def rows() -> list[dict[str, str]]:
    with HAZARD_TYPES.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def kinds() -> list[TypeWords]:
    return [
        TypeWords(row["code"], int(row["sector_no"]), row["name"], row["keywords"].split(";"))
        for row in rows()
    ]


GUESSER = SectorGuesser(table(), kinds())


def guess(text: str, **more: object) -> tuple[list[Guess], bool]:
    return GUESSER.guess(Told(text, **more))  # type: ignore[arg-type]


SAID = [
    (3, "院子里偷偷卖汽油，拿大油桶装"),
    (4, "石料厂那个坡掏空了，石头随时滚下来"),
    (5, "磨面厂里面粉到处飞，没人打扫"),
    (6, "楼道里停满了电瓶车，还从窗户拉线下来充电"),
    (6, "寺院经堂里酥油灯晚上没人看着"),
    (7, "花石峡过去那段路上全是暗冰，也不撒盐"),
    (8, "饭馆后厨煤气坛子老漏气，一股子味"),
    (9, "工人站在架子上干活，啥绳子都没拴"),
    (10, "拖拉机斗里坐了一车人去挖虫草"),
    (11, "有人晚上开铲车在河里挖沙子"),
    (12, "浴池烧锅炉的老汉没证，晚上锅炉没人看"),
    (13, "有人在机场旁边放无人机"),
    (14, "高压线垂下来快挨着房顶了"),
    (15, "阿尼玛卿那边观景台栏杆断了没人修"),
    (16, "寄快递不看里面是啥，也不要身份证"),
    (17, "食堂烧的是那种醇油，罐子就放灶台边"),
    (18, "修车的把废机油直接倒到草地里"),
]


@pytest.mark.parametrize(("sector", "text"), SAID)
def test_plain_words_lead_to_the_sector(sector: int, text: str) -> None:
    guesses, _ = guess(text)
    assert guesses[0].sector_no == sector
    assert guesses[0].reasons


def test_matched_words_are_the_reason() -> None:
    guesses, _ = guess("寺院经堂里酥油灯晚上没人看着")
    assert {"code": "words", "params": {"words": ["酥油灯", "寺院", "经堂"]}} in guesses[0].reasons


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.code)
def test_a_tapped_type_decides_against_other_words(kind: TypeWords) -> None:
    guesses, decided = guess("这里不安全", hazard_type=kind.code)
    assert guesses[0].sector_no == kind.sector_no
    assert decided
    assert guesses[0].reasons[0] == {"code": "hazard_type", "params": {"type": kind.code, "name": kind.name}}


def test_the_registered_sector_speaks_when_the_text_does_not_but_does_not_decide() -> None:
    guesses, decided = guess("？", enterprise_sector=4)
    assert guesses[0].sector_no == 4
    assert {"code": "enterprise_sector", "params": {}} in guesses[0].reasons
    assert not decided


def test_the_registered_sector_does_not_outweigh_what_was_seen() -> None:
    guesses, _ = guess("矿上宿舍的安全出口锁着，楼道里电动车充电", enterprise_sector=4)
    assert guesses[0].sector_no == 6


@pytest.mark.parametrize("text", ["", "？！", "你好", "你们快来看看", "asdf 123"])
def test_nothing_said_is_for_a_person_to_decide(text: str) -> None:
    assert not guess(text)[1]


def test_without_a_word_nothing_is_guessed() -> None:
    assert guess("？！") == ([], False)


def test_an_unknown_type_is_as_none() -> None:
    assert guess("电梯困人", hazard_type="no_such") == guess("电梯困人")


@settings(max_examples=50)
@given(
    st.text("安全出口锁了着火电动车充电煤气罐漏工地脚手架拖拉机机场无人机水库", max_size=50),
    st.sampled_from([None, "exit_blocked", "no_such"]),
    st.sampled_from([None, 1, 4, 99]),
)
def test_guesses_are_at_most_three_in_order_with_reasons(
    text: str, kind: str | None, sector: int | None
) -> None:
    guesses, decided = guess(text, hazard_type=kind, enterprise_sector=sector)
    chances = [guess.p for guess in guesses]
    assert len(guesses) <= 3
    assert chances == sorted(chances, reverse=True)
    assert sum(chances) <= 1.001
    assert all(guess.reasons for guess in guesses)
    assert decided == bool(chances and chances[0] >= DECIDED)


def test_a_county_without_a_table_guesses_nothing() -> None:
    assert SectorGuesser([], []).guess(Told("电梯困人")) == ([], False)


def test_the_shipped_types_cover_every_sector_and_have_eight_chips() -> None:
    found = rows()
    assert {int(row["sector_no"]) for row in found} == set(range(1, 19))
    assert sorted(int(row["chip_order"]) for row in found if row["chip_order"]) == list(range(1, 9))
    assert max(Counter(row["code"] for row in found).values()) == 1
    assert max(Counter(row["name"] for row in found).values()) == 1
    assert max(Counter(row["name_en"] for row in found).values()) == 1
