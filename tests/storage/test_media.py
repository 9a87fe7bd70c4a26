"""What becomes of opened media: the content decides, nothing private goes along, hostile files hurt nobody."""

import io
import os
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import av
import pytest
from PIL import Image

from server.triage import pdq
from storage.media import Flag, Limits, Processed, SetAside, process
from tests.storage import drawn
from tests.storage.conftest import NOW

Look = Callable[..., Processed | SetAside]


@pytest.fixture
def look(tmp_path: Path) -> Look:
    """Processes bytes or a file."""

    def look(
        medium: bytes | Path, declared: str | None = None, limits: Limits | None = None
    ) -> Processed | SetAside:
        if isinstance(medium, bytes):
            (tmp_path / "opened").write_bytes(medium)
            medium = tmp_path / "opened"
        into = tmp_path / "products"
        into.mkdir(exist_ok=True)
        return process(medium, declared, NOW, into, limits)

    return look


def good(result: Processed | SetAside) -> Processed:
    assert isinstance(result, Processed), result
    return result


def refused(result: Processed | SetAside) -> str:
    assert isinstance(result, SetAside), result
    return result.code


def nothing_private(path: Path) -> None:
    data = path.read_bytes()
    for word in (b"Secret", b"Tashi", b"Exif", b"34.4700", b"+100.2300", b"Lavf6", b"x264 - core"):
        assert word not in data, word


def test_a_photo_comes_out_upright_and_without_a_trace_of_who_took_it(look: Look) -> None:
    taken = datetime(2026, 11, 20, 9, 30, tzinfo=timezone(timedelta(hours=6)))
    upright = drawn.scene(3000, 2000)
    lying = upright.transpose(Image.Transpose.ROTATE_90)  # EXIF 6: turn by 90° to the right to see it
    photo = good(look(drawn.with_exif(lying, taken, orientation=6), "image/jpeg"))
    assert (photo.kind, photo.mime, photo.flags) == ("photo", "image/jpeg", ())
    assert photo.captured_at == taken
    assert photo.captured_at.utcoffset() == timedelta(hours=6)
    assert (photo.width, photo.height) == (2560, 1707)
    assert photo.preview
    assert photo.thumb
    for path, kind, size in (
        (photo.clean, "JPEG", (2560, 1707)),
        (photo.preview, "WEBP", (1280, 854)),
        (photo.thumb, "WEBP", (320, 214)),
    ):
        nothing_private(path)
        with Image.open(path) as image:
            assert (image.format, image.size) == (kind, size)
            assert not image.getexif()
            assert "icc_profile" not in image.info
            assert drawn.difference(image, upright) < 12


@pytest.mark.parametrize(
    ("kind", "mime"),
    [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp"), ("HEIF", "image/heic")],
)
def test_every_kind_of_photo_becomes_one_that_browsers_show(look: Look, kind: str, mime: str) -> None:
    photo = good(look(drawn.encoded(drawn.scene(), kind), mime))
    assert (photo.mime, photo.width, photo.height, photo.flags) == ("image/jpeg", 640, 480, ())


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1", "I;16", "CMYK"])
def test_every_colour_mode_can_be_read(look: Look, mode: str) -> None:
    image = Image.new("I;16", (64, 48), 3000) if mode == "I;16" else drawn.scene(64, 48).convert(mode)
    photo = good(look(drawn.encoded(image, "JPEG" if mode == "CMYK" else "PNG")))
    assert (photo.width, photo.height) == (64, 48)


def test_what_is_transparent_is_shown_on_white(look: Look) -> None:
    photo = good(look(drawn.encoded(Image.new("RGBA", (64, 64), (255, 0, 0, 0)), "PNG")))
    with Image.open(photo.clean) as image:
        assert drawn.difference(image, Image.new("RGB", image.size, "white")) < 4


def test_the_hash_knows_the_picture_again(look: Look) -> None:
    scene = drawn.scene(1600, 1200, seed=7)

    def hashes(image: Image.Image, kind: str = "JPEG", **options: object) -> tuple[int, int]:
        text = good(look(drawn.encoded(image, kind, **options))).dhash
        assert text
        assert len(text) == 16 + 64
        return int(text[:16], 16), int(text[16:], 16)

    def dhash(image: Image.Image, kind: str = "JPEG", **options: object) -> int:
        return hashes(image, kind, **options)[0]

    framed = Image.new("RGB", (1600, 1600), "black")
    framed.paste(scene, (0, 200))
    one = dhash(scene, quality=95)
    assert (one ^ dhash(scene.resize((800, 600)), quality=40)).bit_count() <= 4
    assert (one ^ dhash(scene, "WEBP", quality=60)).bit_count() <= 4
    assert (one ^ dhash(framed, quality=80)).bit_count() <= 8
    assert (one ^ dhash(drawn.scene(1600, 1200, seed=8))).bit_count() > 12
    whole = hashes(scene)[1]
    for way in Image.Transpose:
        assert pdq.apart(whole, hashes(scene.transpose(way), quality=60)[1]) <= pdq.SAME_BITS
    assert (whole ^ hashes(scene.resize((640, 480)), quality=25)[1]).bit_count() <= pdq.SAME_BITS
    assert pdq.apart(whole, hashes(drawn.scene(1600, 1200, seed=8))[1]) > 80
    grey = good(look(drawn.encoded(Image.new("RGB", (500, 500), "grey"), "JPEG"))).dhash
    assert grey
    assert grey[:16] == "0" * 16


def test_a_capture_time_that_cannot_be_is_flagged_or_left_out(look: Look) -> None:
    future = datetime(2031, 5, 1, 12, 0, tzinfo=UTC)
    photo = good(look(drawn.with_exif(drawn.scene(), future), "image/jpeg"))
    assert [flag.code for flag in photo.flags] == ["capture_time_in_future"]
    assert photo.captured_at == future
    old = good(look(drawn.with_exif(drawn.scene(), datetime(1980, 1, 1, tzinfo=UTC))))
    assert old.captured_at is None


def test_without_a_zone_the_camera_is_taken_for_one_in_china(look: Look) -> None:
    exif = Image.Exif()
    exif[306] = "2026:11:20 09:30:00"
    photo = good(look(drawn.encoded(drawn.scene(), "JPEG", exif=exif)))
    assert photo.captured_at == datetime(2026, 11, 20, 1, 30, tzinfo=UTC)


def test_the_content_decides_and_the_difference_is_told(look: Look, tmp_path: Path) -> None:
    photo = good(look(drawn.encoded(drawn.scene(), "PNG"), "image/jpeg"))
    assert photo.flags == (Flag("type_differs", "image/jpeg → image/png"),)
    video = good(look(drawn.video(tmp_path / "a"), "image/jpeg"))
    assert (video.kind, video.flags) == ("video", (Flag("type_differs", "image/jpeg → video/mp4"),))


VIDEOS = [
    ("mp4", "libx264", "aac", "video/mp4", "video/mp4"),
    ("mp4", "libx265", "aac", "video/mp4", "video/mp4"),
    ("mp4", "libx264", None, "video/mp4", "video/mp4"),
    ("mov", "libx264", "pcm_s16le", "video/quicktime", "video/mp4"),
    ("webm", "libvpx-vp9", "libopus", "video/webm", "video/webm"),
    ("matroska", "libx264", "libopus", "video/x-matroska;codecs=avc1", "video/mp4"),
]


@pytest.mark.parametrize(("container", "codec", "sound", "declared", "mime"), VIDEOS)
def test_a_video_is_copied_without_its_metadata(
    look: Look, tmp_path: Path, container: str, codec: str, sound: str | None, declared: str, mime: str
) -> None:
    video = good(look(drawn.video(tmp_path / "v", container, codec, sound), declared))
    assert (video.kind, video.mime, video.width, video.height, video.flags) == ("video", mime, 320, 240, ())
    assert video.duration_s == pytest.approx(2.0, abs=0.1)
    assert video.captured_at == datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
    assert video.dhash
    nothing_private(video.clean)
    with av.open(str(video.clean)) as copy:
        assert len(copy.streams.video) == 1
        assert len(copy.streams.audio) == (1 if sound else 0)
        assert not {"title", "location", "creation_time"} & set(copy.metadata)
        assert len(list(copy.decode(video=0))) == 30
    if sound:
        with av.open(str(video.clean)) as copy:
            assert sum(frame.samples for frame in copy.decode(audio=0)) >= 90_000
    # A unit must not know somebody by the voice: the same pictures, and nothing to hear.
    assert video.silent
    nothing_private(video.silent)
    with av.open(str(video.silent)) as copy:
        assert (len(copy.streams.video), len(copy.streams.audio)) == (1, 0)
        assert len(list(copy.decode(video=0))) == 30
    assert video.preview
    with Image.open(video.preview) as poster:
        assert poster.size == (320, 240)


@pytest.mark.parametrize("rotation", [90, -90, 180])
def test_a_video_filmed_upright_stays_upright(look: Look, tmp_path: Path, rotation: int) -> None:
    video = good(look(drawn.video(tmp_path / "v", rotation=rotation)))
    assert (video.width, video.height) == ((320, 240) if rotation == 180 else (240, 320))
    with av.open(str(tmp_path / "v")) as before, av.open(str(video.clean)) as after:
        assert next(after.decode(video=0)).rotation == next(before.decode(video=0)).rotation != 0
        lying = next(after.decode(video=0), None) or next(before.decode(video=0))
        shown: Image.Image = lying.to_image()  # type: ignore[no-untyped-call]
        upright = shown.rotate(lying.rotation, expand=True)
    assert video.preview
    with Image.open(video.preview) as poster:
        assert drawn.difference(poster, upright) < 12


@pytest.mark.parametrize(
    ("container", "codec", "declared", "mime"),
    [
        ("ipod", "aac", "audio/mp4", "audio/mp4"),
        ("adts", "aac", "audio/aac", "audio/mp4"),
        ("mp3", "libmp3lame", "audio/mpeg", "audio/mpeg"),
        ("ogg", "libopus", "audio/ogg", "audio/webm"),
        ("webm", "libopus", "audio/webm;codecs=opus", "audio/webm"),
        ("wav", "pcm_s16le", "audio/x-wav", "audio/mp4"),
        ("flac", "flac", "audio/flac", "audio/mp4"),
        ("amr", "libopencore_amrnb", "audio/amr", "audio/mp4"),
    ],
)
def test_sound_is_copied_or_made_playable(
    look: Look, tmp_path: Path, container: str, codec: str, declared: str, mime: str
) -> None:
    sound = good(look(drawn.sound(tmp_path / "s", container, codec), declared))
    assert (sound.kind, sound.mime, sound.preview, sound.thumb, sound.dhash) == (
        "audio",
        mime,
        None,
        None,
        None,
    )
    assert sound.flags == ()
    assert sound.duration_s == pytest.approx(2.0, abs=0.1)
    nothing_private(sound.clean)
    with av.open(str(sound.clean)) as copy:
        assert sum(frame.samples / frame.sample_rate for frame in copy.decode(audio=0)) == pytest.approx(
            2.0, abs=0.2
        )


def _png_of_zeros(width: int, height: int) -> bytes:
    """A bomb: a PNG of a few kilobytes that says it holds gigabytes of pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(10_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("run.js", "alert(1)")
    return out.getvalue()


JPEG = drawn.encoded(drawn.scene(), "JPEG")

HOSTILE = {
    "bomb": (_png_of_zeros(60_000, 60_000), "too_many_pixels"),
    "bomb that lies": (_png_of_zeros(8000, 8000), "truncated"),
    "text": ("油罐旁边有人抽烟".encode(), "not_an_image"),
    "empty": (b"", "not_an_image"),
    "page": (b"<!DOCTYPE html><script>alert(1)</script>", "not_an_image"),
    "pdf": (b"%PDF-1.7\n1 0 obj", "not_an_image"),
    "playlist": (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n", "not_an_image"),
    "drawing": (
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "two_files_in_one",
    ),
    "gif": (drawn.encoded(drawn.scene(), "GIF"), "not_an_image"),
    "cut": (JPEG[: len(JPEG) // 2], "truncated"),
    "cut in its head": (JPEG[:20], "not_an_image"),
    "cut PNG": (drawn.encoded(drawn.scene(), "PNG")[:-5000], "truncated"),
    "cut WebP": (drawn.encoded(drawn.scene(), "WEBP")[:-500], "damaged"),
    "cut HEIC": (drawn.encoded(drawn.scene(), "HEIF")[:-500], "damaged"),
    "archive behind": (JPEG + _zipped(), "two_files_in_one"),
    "script within": (JPEG[:2] + b"\xff\xfe\x00\x12<?php echo 1; ?>" + JPEG[2:], "two_files_in_one"),
    "document within": (JPEG[:2] + b"\xff\xfe\x00\x0a%PDF-1.7" + JPEG[2:], "two_files_in_one"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_photo_is_set_aside(look: Look, name: str) -> None:
    data, code = HOSTILE[name]
    assert refused(look(data, "image/jpeg")) == code


def test_what_is_no_medium_is_told_without_an_image_declared(look: Look) -> None:
    assert refused(look(b"%PDF-1.7\n1 0 obj", "video/mp4")) == "not_a_medium"


def test_noise_in_a_photo_never_escapes(look: Look) -> None:
    for n in range(0, len(JPEG), len(JPEG) // 7):
        broken = JPEG[:n] + os.urandom(40) + JPEG[n + 40 :]
        assert isinstance(look(broken, "image/jpeg"), Processed | SetAside)


@pytest.mark.parametrize("options", [{}, {"movflags": "+faststart"}], ids=["index last", "index first"])
def test_a_video_cut_short_is_set_aside(look: Look, tmp_path: Path, options: dict[str, str]) -> None:
    whole = drawn.video(tmp_path / "v", options=options).read_bytes()
    assert refused(look(whole[: len(whole) * 2 // 3], "video/mp4")) == "truncated"


def test_a_video_cut_short_in_webm_is_set_aside(look: Look, tmp_path: Path) -> None:
    whole = drawn.video(tmp_path / "v", "webm", "libvpx-vp9", "libopus", frames=90).read_bytes()
    assert refused(look(whole[: len(whole) // 3], "video/webm")) == "truncated"


def test_limits_on_what_is_shown(look: Look, tmp_path: Path) -> None:
    video = drawn.video(tmp_path / "v")
    assert refused(look(video, limits=Limits(frame_pixels=70_000))) == "too_many_pixels"
    assert refused(look(video, limits=Limits(video_s=1))) == "too_long"
    assert (
        refused(look(drawn.sound(tmp_path / "s", "mp3", "libmp3lame"), limits=Limits(audio_s=1)))
        == "too_long"
    )
    odd = drawn.video(tmp_path / "o", "matroska", "ffv1", None)
    assert refused(look(odd)) == "codec_not_supported"


def test_limits_on_the_process(look: Look) -> None:
    large = drawn.encoded(Image.new("RGBA", (9900, 9900), (200, 30, 30, 120)), "PNG", compress_level=1)
    assert refused(look(large, limits=Limits(memory_bytes=450 << 20))) == "too_heavy"
    assert refused(look(large, limits=Limits(wait_s=0.05))) == "took_too_long"
    assert refused(look(large, limits=Limits(cpu_s=1))) == "took_too_long"
    assert refused(look(JPEG, limits=Limits(output_bytes=1000))) == "crashed"
    assert good(look(JPEG)).width == 640


def test_the_worker_itself_never_loads_a_decoder() -> None:
    code = "import sys, storage.media; print([m for m in ('av', 'PIL', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_process_that_looks_at_a_photo_has_loaded_all_it_needs_before(tmp_path: Path) -> None:
    """It is forked for each photo: what it loaded then, it would load for each."""
    drawn.scene(640, 480).save(tmp_path / "opened", "JPEG")
    program = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from storage import media_room
from storage.media import Limits
before = set(sys.modules)
found = media_room.look(Path("opened"), None, datetime.now(UTC), Path("."), Limits())
assert found["kind"] == "photo", found
print(*set(sys.modules) - before)
"""
    told = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == []
