"""What stands on a paper, in the words of the staff app: one word for one thing, on the screen and in print."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from server.core.calendar import CHINA
from server.settings import ROOT

WORDS = ROOT / "pwa" / "src" / "i18n"
NUMBER = re.compile(r".*-(\d{4})-L0*(\d+)")
UNPRINTED = frozenset({"into", "report", "reports", "parts", "unit_id", "gives_away"})
"""Ids, and what was said to the writer alone."""


@lru_cache
def words() -> dict[str, Any]:
    """The Chinese words of the staff app."""
    shared, staff = (
        json.loads((WORDS / app / "zh-CN.json").read_text("utf-8")) for app in ("shared", "staff")
    )
    return {**shared, **staff}


def word(family: str, code: str | None) -> str:
    """The word for a code, or the code itself where there is none."""
    node: Any = words()
    for part in (*family.split("."), code or ""):
        node = node.get(part) if isinstance(node, dict) else None
    return node if isinstance(node, str) else code or ""


def moment(at: datetime) -> str:
    """As people write it, in China."""
    return at.astimezone(CHINA).strftime("%Y年%-m月%-d日 %H:%M")


def day(at: date | datetime) -> str:
    """As it stands in a letter."""
    local = at.astimezone(CHINA) if isinstance(at, datetime) else at
    return f"{local.year}年{local.month}月{local.day}日"


def span(length: timedelta) -> str:
    """How long, in days and hours; minutes only where it was less than an hour."""
    days, hours = length.days, length.seconds // 3600
    if not days and not hours:
        return f"{length.seconds // 60}分钟"
    return (f"{days}天" if days else "") + (f"{hours}小时" if hours else "")


def letter_number(number: str) -> str:
    """督办函〔2026〕12号, from the number of the series (632621-2026-L000012)."""
    found = NUMBER.fullmatch(number)
    return f"督办函〔{found[1]}〕{found[2]}号" if found else number


def said(fields: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was written in a step, each with the name of its field."""
    return [
        (word("field", name), _value(name, value))
        for name, value in fields.items()
        if name not in UNPRINTED and value not in (None, "", [])
    ]


def _value(name: str, value: Any) -> str:
    match value:
        case bool():
            return word("form", "yes" if value else "no")
        case int() if name == "money":
            return f"{value / 100:.2f}"
        case dict():
            return str(value.get("name", ""))
        case list():
            return "、".join(map(str, value))
        case str() if name == "risk":
            return word("risk", value)
        case str() if name == "number":
            return letter_number(value)
    return word(f"choice.{name}", str(value))


def strokes(fields: Mapping[str, Any]) -> Sequence[Sequence[int]]:
    """The lines of a drawn signature; none where nobody signed or it was typed."""
    signature = fields.get("signature")
    drawn = signature.get("strokes", []) if isinstance(signature, dict) else []
    return [line for line in drawn if len(line) >= 4]
