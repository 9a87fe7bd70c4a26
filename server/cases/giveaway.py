"""Whether written words may give away who reported (DOMAIN.md §5). Only a warning: the person who writes decides."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from server.cases.rules import Step

QUOTE_LENGTH = 8
"""So many characters of Chinese (or words of Latin script) in the reporter's own order are a quotation."""

WATCHED: dict[Step, tuple[str, ...]] = {
    Step.ACCEPT: ("title", "matter"),
    Step.TRANSFER_AT_ONCE: ("title", "matter"),
    Step.CHASE: ("demand",),
    Step.ISSUE_LETTER: ("demand",),
    Step.REPLY: ("text",),
    Step.UPHOLD: ("text",),
}
"""Fields that are read outside of the desk."""


class Hint(StrEnum):
    """Why a part may give somebody away."""

    QUOTES = "quotes"
    """The reporter's own words."""
    REPORTER = "reporter"
    """Speaks of the reporter as a person: 举报人."""
    ROLE = "role"
    """Who they are to the enterprise: 你厂员工, 邻居."""
    NAME = "name"
    CONTACT = "contact"
    """A phone, identity card, plate or mail address."""
    COUNT = "count"
    """How many reported."""
    TIME = "time"
    """When it was reported."""
    NUMBER = "number"
    """The number of a report, which only its reporter knows."""


@dataclass(frozen=True)
class Part:
    """A part of the text (characters from `start` to before `end`) and why it is told."""

    hint: Hint
    start: int
    end: int


_TELLS = r"(?:举报|投诉|反映|反应|检举|控告|来信|来电|来访|上访|报警|爆料|报料)"
_NEAR = r"[^，。；、！？,.;!?\s]{0,6}?"
_DAY = (
    r"(?:(?:\d{4}\s*年)?\d{1,2}\s*月\d{1,2}\s*[日号]|\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[日号]|[昨前今当][天日晚早]|"
    r"上周|上个?月|凌晨|早上|早晨|上午|中午|下午|傍晚|晚上|夜里|\d{1,2}[点时:：]\d{0,2})"
)
_JOB = r"(?:员工|职工|工人|保安|司机|厨师|会计|学徒|技工|老师|学生)"
_HERE = r"(?:厂|公司|单位|店|矿|工地|企业|校|院|所|站)"
_SURNAME = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘蒋蔡余杜叶程苏魏吕丁任卢姚"
)

_PATTERNS: dict[Hint, str] = {
    Hint.REPORTER: (
        r"(?:举报|投诉|反映|来信|来电|来访|检举|控告|信访|报料)(?:人|者)(?!数)|whistle-?blower|\binformant\b"
    ),
    Hint.ROLE: "|".join(
        (
            rf"[你贵]{_HERE}的?{_JOB}",
            r"内部(?:人员|人士|员工|职工)|知情(?:人士?|者|群众)",
            r"(?:前|原|离职|辞职|被辞退的?)(?:员工|职工|工人)",
            r"邻居|隔壁(?:住户|商户|店)|工友|同事",
            rf"(?:{_JOB}|家长|住户|业主|租户|房东|家属|亲属|居民|村民){_NEAR}{_TELLS}",
        )
    ),
    Hint.NAME: (
        rf"[{_SURNAME}][一-龥]?(?:先生|女士|师傅|大姐|大哥|大爷|阿姨|老师|某某?)"
        rf"|(?<![大中最较很更不太缩减过细])[小老阿][{_SURNAME}](?![一-龥]{{0,1}}[区店厂路村])"
    ),
    Hint.CONTACT: "|".join(
        (
            r"(?<!\d)1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)",
            r"(?<!\d)0\d{2,3}[ -]?\d{7,8}(?!\d)",
            r"(?<!\d)\d{17}[\dXx](?!\d)",
            r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][·\s]?[A-HJ-NP-Z0-9]{5,6}(?![A-Z0-9])",
            r"[\w.+-]+@[\w-]+\.[\w.]+",
            r"(?:微信|QQ)号?[:：]?\s*[\w-]{5,}",
        )
    ),
    Hint.COUNT: (
        rf"(?:[多数几两二三四五六七八九十百]|\d+)余?(?:名|位|个|人|户|起|件|封|次|条){_NEAR}{_TELLS}"
        rf"|(?:多次|反复|重复|再次|屡次|又有人|另有人?){_NEAR}{_TELLS}"
    ),
    Hint.TIME: rf"{_DAY}[^。；！？;!?\n]{{0,8}}?(?:{_TELLS}|[接收]到(?:线索|群众|电话|信))",
    Hint.NUMBER: r"\d{6}-\d{4}-T\d+",
}
_COMPILED = {hint: re.compile(pattern, re.IGNORECASE) for hint, pattern in _PATTERNS.items()}
_TOKEN = re.compile(r"[a-z0-9]+|[^\W_]", re.IGNORECASE)


def parts(text: str, own_words: Iterable[str], known: Iterable[str]) -> list[Part]:
    """The parts that may give somebody away, in order; overlapping ones of one kind are one.

    `own_words` are the reporters'; what stands in `known` (the reader has it anyway) is no quotation.
    """
    found = [
        Part(hint, match.start(), match.end())
        for hint, pattern in _COMPILED.items()
        for match in pattern.finditer(text)
    ]
    found += _quotations(text, own_words, known)
    return sorted(_merged(found), key=lambda part: (part.start, part.end, part.hint))


def _quotations(text: str, own_words: Iterable[str], known: Iterable[str]) -> Iterator[Part]:
    theirs = {run for words in own_words for run in _runs(words)}
    theirs -= {run for words in known for run in _runs(words)}
    for run, start, end in _placed(text):
        if run in theirs:
            yield Part(Hint.QUOTES, start, end)


def _runs(words: str) -> Iterator[tuple[str, ...]]:
    return (run for run, _, _ in _placed(words))


def _placed(words: str) -> Iterator[tuple[tuple[str, ...], int, int]]:
    """Each run of QUOTE_LENGTH tokens with its place; punctuation, spaces and case do not count."""
    tokens = [(match[0].lower(), match.start(), match.end()) for match in _TOKEN.finditer(words)]
    for first in range(len(tokens) - QUOTE_LENGTH + 1):
        run = tokens[first : first + QUOTE_LENGTH]
        yield tuple(token for token, _, _ in run), run[0][1], run[-1][2]


def _merged(found: Iterable[Part]) -> Iterator[Part]:
    by_hint: dict[Hint, list[Part]] = {}
    for part in sorted(found, key=lambda part: part.start):
        row = by_hint.setdefault(part.hint, [])
        if row and part.start <= row[-1].end:
            row[-1] = Part(part.hint, row[-1].start, max(row[-1].end, part.end))
        else:
            row.append(part)
    for row in by_hint.values():
        yield from row
