"""What leaves the house in mail and SMS; written beside the apps' words, as both say the same thing."""

import json
from functools import cache

from server.settings import ROOT

FOLDER = ROOT / "pwa" / "src" / "i18n" / "notices"


@cache
def words(lang: str) -> dict[str, str]:
    """The sentences in this language, else in Chinese."""
    path = FOLDER / f"{'en' if lang == 'en' else 'zh-CN'}.json"
    told: dict[str, str] = json.loads(path.read_text("utf-8"))
    return told
