"""`eval triage` on files of pictures and in the real store, and the same decisions however lines are shared out."""

import io
import json
import multiprocessing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from PIL import Image, ImageDraw, ImageOps

from server.commands.eval_triage import Decided, _judged, _looked, _read, scratch_schema
from tests.storage import drawn

HERE: dict[str, Any] = {"lat": 34.47, "lng": 100.245}
NEXT_TOWN: dict[str, Any] = {"lat": 34.68, "lng": 100.64}

Eval = Callable[[list[dict[str, Any]]], list[Decided]]


@pytest.fixture
def decided(engine: sa.Engine, tmp_path: Path) -> Iterator[Eval]:
    """The lines, decided as the command does it."""

    def run(lines: list[dict[str, Any]]) -> list[Decided]:
        data = tmp_path / "in.jsonl"
        data.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8")
        with scratch_schema(engine) as connection:
            looked = _looked(connection, _read(helpers, data, False), [])
            return [decided for _, decided in _judged(helpers, looked)]

    with multiprocessing.get_context("spawn").Pool(2) as helpers:
        yield run


def report(name: str, hour: int, *photos: str, **more: Any) -> dict[str, Any]:
    at = f"2026-03-01T{hour:02}:00:00+08:00"
    empty = {"company": None, "address": None, "hazard_type": None}
    return {"id": name, "at": at, "text": "快来看", "photos": list(photos)} | empty | more


def chat(image: Image.Image) -> Image.Image:
    """As a chat app sends it on."""
    return Image.open(io.BytesIO(drawn.encoded(image.resize((640, 480)), "JPEG", quality=35)))


def marked(image: Image.Image) -> Image.Image:
    ImageDraw.Draw(copy := image.copy()).rectangle((30, 880, 400, 940), fill="white")
    return copy


def turned_by_exif(image: Image.Image, path: Path) -> None:
    path.write_bytes(drawn.with_exif(image.transpose(Image.Transpose.ROTATE_90), orientation=6))


def test_a_copy_of_a_picture_joins_at_its_place_and_is_shown_from_another(
    decided: Eval, tmp_path: Path
) -> None:
    scene = drawn.scene(1280, 960, seed=3)
    scene.save(tmp_path / "first.jpg", quality=92)
    chat(scene).save(tmp_path / "chat.jpg", quality=60)
    marked(scene).save(tmp_path / "marked.jpg", quality=70)
    ImageOps.expand(scene, (0, 200), "black").save(tmp_path / "bars.jpg", quality=80)
    scene.transpose(Image.Transpose.ROTATE_180).save(tmp_path / "turned.jpg", quality=80)
    turned_by_exif(scene, tmp_path / "exif.jpg")
    drawn.scene(1280, 960, seed=4).save(tmp_path / "other.jpg")

    copies = ["chat", "marked", "bars", "turned", "exif"]
    lines = [report("first", 1, "first.jpg", **HERE)]
    lines += [report(copy, 2, f"{copy}.jpg", **HERE) for copy in copies]
    lines.append(report("other", 3, "other.jpg", **HERE))
    lines.append(report("elsewhere", 4, "chat.jpg", **NEXT_TOWN))
    lines.append(report("no file", 5, "missing.jpg", **NEXT_TOWN))
    first, *others = decided(lines)
    outcomes = dict(zip([line["id"] for line in lines[1:]], others, strict=True))
    assert first.decision == "distinct"
    assert {copy: outcomes[copy].decision for copy in copies} == dict.fromkeys(copies, "automatic")
    assert outcomes["other"].decision != "automatic"
    elsewhere = outcomes["elsewhere"]
    assert elsewhere.decision == "suggested"
    assert "same_photo_elsewhere" in {reason["code"] for reason in elsewhere.shown[0][1].reasons}
    assert outcomes["no file"].decision != "automatic"


def test_lines_of_many_chunks_are_decided_in_their_order(decided: Eval) -> None:
    company = {
        "company": "宏源加油站",
        "text": "加油站卸油的时候有人抽烟",
        "hazard_type": "petrol_station_faults",
    }
    lines = [
        report(str(n), n % 24, **(company | HERE if n in (7, 230) else {"text": f"第{n}件事"}))
        for n in range(240)
    ]
    found = decided(lines)
    assert len(found) == len(lines)
    assert [n for n, one in enumerate(found) if one.shown] == [230]
    assert [other.int for other, _ in found[230].shown] == [7]
