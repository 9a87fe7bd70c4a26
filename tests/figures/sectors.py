"""How well sectors are told, on sentences of people; prints the table of docs/sectors.md:
`.venv/bin/python -m tests.figures.sectors`.

Three banks of phrases, each with habits of its own around them (greetings, places, tails, slips, wrong companies):
`train` for learning, `test` for reading mistakes, `locked` for the truth. What only the last two have is an
unseen type.
"""

import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from click.testing import CliRunner

from server.commands.every_eval import evaluate

HERE = Path(__file__).parent
BEFORE = {
    "train": "||你好，|领导好，我要举报，|昨天下午路过，|大武镇|县医院旁边|举报：|雪山路|我们村里",
    "other": "||那个啥，|我跟你们说，|拉加镇|前几天我去办事看见，|老百姓实在受不了了，|家长反映，|在人民路口，",
}
AFTER = {
    "train": "||，请尽快处理|。太危险了|，没人管|，希望领导重视|！！！|，出了事谁负责",
    "other": "||，你们再不来我就发抖音|，已经说过好几回了|，气死人|，不要说是我说的|，每天提心吊胆|，咋整呀",
}
COMPANIES = """
1 大武镇人民政府
2 玛沁县建材公司|果洛牧业公司
3 果洛雪域加油站|玛沁县腾达化工经营部
4 德尔尼铜矿|玛沁县金盛采石场
5 玛沁县雪域面粉厂|果洛冷冻肉联厂
6 大武宾馆|玛沁县百货商场|格桑网吧
7 果洛安达客运公司|玛沁县通顺货运
8 雪山饭店|大武第二小学
9 青海宏盛建筑工程公司
10 当洛农机合作社
11 切木曲水库管理所
12 大武家园物业
13 果洛玛沁机场
14 玛沁供电所
15 阿尼玛卿景区|雪域旅行社
16 中通快递大武网点
17 老四川饭店|玛沁县民族中学食堂
18 大武镇汽修厂
"""
NAMES = {
    int(no): names.split("|") for no, names in (line.split(" ") for line in COMPANIES.strip().splitlines())
}


@dataclass(frozen=True)
class Phrase:
    """One telling of a hazard."""

    sector_no: int
    kind: str
    text: str


def bank(name: str) -> Iterator[Phrase]:
    """The phrases of a bank."""
    sector_no, kind = 0, ""
    for line in (HERE / f"sector_bank_{name}.txt").read_text(encoding="utf-8").splitlines():
        if heading := re.fullmatch(r"# (\d+) (\w+)", line):
            sector_no, kind = int(heading[1]), heading[2]
        elif line and not line.startswith("#"):
            yield Phrase(sector_no, kind, line)


def reports(phrases: list[Phrase], each: int, habit: str, seed: int) -> list[dict[str, Any]]:
    """So many reports of each sector, told with the habits of that crowd."""
    chance = random.Random(seed)
    by_sector = defaultdict(list)
    for phrase in phrases:
        by_sector[phrase.sector_no].append(phrase)
    made: list[dict[str, Any]] = []
    for sector_no, own in by_sector.items():
        for n in range(each):
            phrase = own[n % len(own)] if each >= len(own) else chance.choice(own)
            company = None
            if chance.random() < 0.5:
                right = chance.random() < 0.8
                company = chance.choice(NAMES[sector_no if right else chance.choice(list(NAMES))])
            text = "".join(
                [
                    company if company and chance.random() < 0.3 else "",
                    chance.choice(BEFORE[habit].split("|")),
                    _slip(phrase.text, chance),
                    chance.choice(AFTER[habit].split("|")),
                ]
            )
            made.append(
                {
                    "id": str(len(made)),
                    "text": text,
                    "company": company,
                    "sector_no": sector_no,
                    "kind": phrase.kind,
                }
            )
    return made


def _slip(text: str, chance: random.Random) -> str:
    """One in seven loses a character or exchanges two."""
    if len(text) < 7 or chance.random() > 0.15:
        return text
    at = chance.randrange(1, len(text) - 1)
    return (
        text[:at] + text[at + 1 :]
        if chance.random() < 0.5
        else text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    )


def main() -> None:
    """Print a row per bank, kind of novelty and number of labels."""
    train = list(bank("train"))
    seen = {phrase.kind for phrase in train}
    print("| bank | labels each | unseen | accuracy | in the top 3 | decided alone | of these right |")
    print("|---|---|---|---|---|---|---|")
    with TemporaryDirectory() as folder:
        for name in ("test", "locked"):
            told = reports(list(bank(name)), 40, "other", 1)
            for labels in (0, 10, 50):
                for unseen in ("wording", "type"):
                    rows = [row for row in told if (row["kind"] in seen) == (unseen == "wording")]
                    known = reports(train, labels, "train", 2) if labels else []
                    got = _eval(Path(folder), known, rows)
                    figures = [got[key] for key in ("accuracy", "top3", "decided", "decided_precision")]
                    cells = [name, labels, unseen, *(f"{figure:.2f}" for figure in figures)]
                    print("|", " | ".join(map(str, cells)), "|", flush=True)


def _eval(folder: Path, known: list[dict[str, Any]], rows: list[dict[str, Any]]) -> dict[str, float]:
    for name, given in (("a", known), ("b", rows)):
        lines = (json.dumps(row, ensure_ascii=False) for row in given)
        (folder / name).write_text("\n".join(lines), encoding="utf-8")
    arguments = ["--train", folder / "a", "--data", folder / "b", "--out", folder / "out"]
    done = CliRunner().invoke(evaluate, ["sector", *map(str, arguments)], catch_exceptions=False)
    found: dict[str, float] = json.loads(done.output)
    return found


if __name__ == "__main__":
    main()
