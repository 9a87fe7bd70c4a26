"""Pictures, videos and sounds that the tests draw themselves."""

import io
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy
import pillow_heif
from av.audio.stream import AudioStream
from av.video.stream import VideoStream
from PIL import ExifTags, Image, ImageDraw

pillow_heif.register_heif_opener()


def scene(width: int = 640, height: int = 480, seed: int = 1) -> Image.Image:
    """A picture with soft light, large shapes and a little noise, like a photo."""
    noise = numpy.random.default_rng(seed)
    light = Image.fromarray(noise.integers(0, 255, (6, 8, 3)).astype("uint8")).resize((width, height))
    pixels = noise.normal(numpy.asarray(light, dtype=float), 4).clip(0, 255).astype("uint8")
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    for n in range(12):
        x, y = (int(v) for v in noise.integers(0, (width, height)))
        colour = tuple(int(v) for v in noise.integers(0, 255, 3))
        draw.rectangle((x, y, x + width // (3 + n), y + height // (3 + n)), fill=colour)
    return image


def with_exif(image: Image.Image, taken: datetime | None = None, orientation: int = 1) -> bytes:
    """A JPEG whose EXIF tells when, where, with what camera and by whom."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "SecretCam"
    exif[ExifTags.Base.Artist] = "Tashi"
    exif[ExifTags.Base.Orientation] = orientation
    if taken:
        details = exif.get_ifd(ExifTags.IFD.Exif)
        details[ExifTags.Base.DateTimeOriginal] = taken.strftime("%Y:%m:%d %H:%M:%S")
        details[ExifTags.Base.OffsetTimeOriginal] = taken.strftime("%z")[:3] + ":" + taken.strftime("%z")[3:]
    place = exif.get_ifd(ExifTags.IFD.GPSInfo)
    place[ExifTags.GPS.GPSLatitudeRef] = "N"
    place[ExifTags.GPS.GPSLatitude] = (34.0, 28.0, 12.0)
    return encoded(image, "JPEG", exif=exif, comment=b"SecretComment", quality=90)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    """The picture as a file of this Pillow format."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def difference(one: Image.Image, other: Image.Image) -> float:
    """How far two pictures are apart on average, of 255, as seen from afar."""
    a, b = (numpy.asarray(image.convert("RGB").resize((8, 8)), dtype=int) for image in (one, other))
    return float(abs(a - b).mean())


def video(
    path: Path,
    container: str = "mp4",
    codec: str = "libx264",
    sound: str | None = "aac",
    frames: int = 30,
    size: tuple[int, int] = (320, 240),
    rotation: int = 0,
    options: dict[str, str] | None = None,
) -> Path:
    """A moving scene at 15 frames a second with a tone, and with metadata that gives people away."""
    with av.open(str(path), "w", format=container, options=options or {}) as out:
        out.metadata["title"] = "SecretTitle"
        out.metadata["location"] = "+34.4700+100.2300/"
        out.metadata["creation_time"] = "2026-11-20T08:00:00.000000Z"
        picture = cast(VideoStream, out.add_stream(codec, rate=15))
        picture.width, picture.height, picture.pix_fmt = *size, "yuv420p"
        picture.metadata["handler_name"] = "SecretHandler"
        if rotation:
            picture.set_display_rotation(rotation)
        tone = cast(AudioStream, out.add_stream(sound, rate=48000)) if sound else None
        base = scene(size[0] * 2, size[1])
        for n in range(frames):
            view = base.crop((n * 4, 0, n * 4 + size[0], size[1]))
            frame = av.VideoFrame.from_image(view)  # type: ignore[no-untyped-call]
            frame.pts, frame.time_base = n, Fraction(1, 15)
            out.mux(picture.encode(frame))
        out.mux(picture.encode(None))
        if tone is not None:
            _play(out, tone, frames / 15)
    return path


def sound(path: Path, container: str, codec: str, seconds: float = 2.0) -> Path:
    """A tone, with a title that gives people away."""
    with av.open(str(path), "w", format=container) as out:
        out.metadata["title"] = "SecretTitle"
        rate = 8000 if codec == "libopencore_amrnb" else 48000
        stream = cast(AudioStream, out.add_stream(codec, rate=rate, layout="mono"))
        _play(out, stream, seconds)
    return path


def _play(out: av.container.OutputContainer, stream: AudioStream, seconds: float) -> None:
    rate = stream.rate
    at = 0
    while at < rate * seconds:
        wave = (numpy.sin(numpy.arange(at, at + 960) * 2 * numpy.pi * 440 / rate) * 9000).astype("int16")
        frame = av.AudioFrame.from_ndarray(wave.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, at, Fraction(1, rate)
        out.mux(stream.encode(frame))
        at += 960
    out.mux(stream.encode(None))
