"""Photos: open by content, copy clean, make small, and hash what is seen."""

import io
import struct
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from importlib import import_module
from pathlib import Path

import imagehash
import numpy as np
import pillow_heif
from PIL import ExifTags, Image, ImageChops, ImageCms, ImageFilter, ImageOps, UnidentifiedImageError

from storage.unfit import Unfit

LONG_SIDE = 2560
PREVIEW_SIDE = 1280
THUMB_SIDE = 320
PDQ_FROM = 512
MOST_PIXELS = 60_000_000
BORDER_TOLERANCE = 24
"""How far a border's grey may be from its corner's, of 255; JPEG noise stays below."""

CHINA = timezone(timedelta(hours=8))
"""The zone of a camera that does not tell its own: the country has one."""

MIMES = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "HEIF": "image/heic",
}

pillow_heif.register_heif_opener(thumbnails=False)
# Otherwise loaded with the first picture, that is anew in each process that looks at one: 50 ms.
Image.init()
import_module("numpy.ma")
import_module("_strptime")
Image.MAX_IMAGE_PIXELS = None  # our own limit is checked before anything is decoded


@dataclass(frozen=True)
class Photo:
    """An identified photo, not decoded yet."""

    image: Image.Image
    mime: str
    captured_at: datetime | None


def open_photo(path: Path, most_pixels: int) -> Photo | None:
    """The photo in this file; None when it is no picture of ours. Raises Unfit."""
    try:
        image = Image.open(path, formats=("JPEG", "PNG", "WEBP", "HEIF"))
    except UnidentifiedImageError:
        return None
    except (OSError, ValueError, SyntaxError, struct.error) as error:
        raise Unfit("damaged", str(error)) from error
    width, height = image.size
    if width * height > most_pixels:
        raise Unfit("too_many_pixels", f"{width} x {height}")
    return Photo(image, MIMES[image.format or ""], captured_at(image))


def clean(image: Image.Image) -> Image.Image:
    """The picture as it is seen and nothing else: upright, sRGB, no transparency, long side at most 2560.

    Raises Unfit when it cannot be decoded to its end.
    """
    try:
        image.draft(
            "RGB", (LONG_SIDE, LONG_SIDE)
        )  # a JPEG is decoded at a fraction of its size where that suffices
        image.load()
        if image.mode not in ("L", "RGB", "RGBA", "CMYK"):
            image = image.convert("RGBA" if image.has_transparency_data else "RGB")
        # Bicubic: as good as Lanczos by eye at these factors, at three quarters of its time.
        image.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.BICUBIC, reducing_gap=2)
        seen = _to_srgb(ImageOps.exif_transpose(image))
    except (OSError, ValueError, SyntaxError, struct.error, zlib.error, EOFError) as error:
        raise Unfit("truncated" if "truncated" in str(error).lower() else "damaged", str(error)) from error
    if seen.has_transparency_data:
        seen = seen.convert("RGBA")
        copy = Image.new("RGB", seen.size, "white")
        copy.paste(seen, mask=seen.getchannel("A"))
    else:
        copy = Image.new("RGB", seen.size)
        copy.paste(seen.convert("RGB"))
    return copy


def write_clean(picture: Image.Image, path: Path) -> None:
    """The clean copy as JPEG; `picture` comes from `clean`, so there is no metadata to go along."""
    picture.save(path, "JPEG", quality=85)


def write_small(picture: Image.Image, into: Path) -> str:
    """Write preview.webp and thumb.webp, and return its `seen_hash`."""
    preview = picture.copy()
    # Gap 1: a whole factor is averaged, which is all there is to do for a photo of 2560.
    preview.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE), Image.Resampling.BICUBIC, reducing_gap=1)
    # Method 1: two thirds of the time of method 2, for a file that is a twelfth larger.
    preview.save(into / "preview.webp", "WEBP", quality=80, method=1)
    thumb = preview.copy()
    thumb.thumbnail((THUMB_SIDE, THUMB_SIDE), Image.Resampling.LANCZOS)
    thumb.save(into / "thumb.webp", "WEBP", quality=75, method=2)
    return seen_hash(preview)


def photo_hash(path: Path) -> str | None:
    """`seen_hash` of a file; None for what is no picture or cannot be decoded."""
    try:
        photo = open_photo(path, MOST_PIXELS)
        if photo is None:
            return None
        photo.image.draft("RGB", (PREVIEW_SIDE, PREVIEW_SIDE))
        return seen_hash(ImageOps.exif_transpose(photo.image))
    except (Unfit, OSError, ValueError, SyntaxError, struct.error, zlib.error, EOFError):
        return None


def seen_hash(picture: Image.Image) -> str:
    """What the picture shows: its dHash, flat borders left out (16 hex digits), then the PDQ of the whole (64)."""
    return f"{imagehash.dhash(_without_border(picture))}{_pdq(picture.convert('L')):064x}"


def _pdq(grey: Image.Image) -> int:
    """PDQ (ThreatExchange, 2019): smoothed twice, 64 × 64 points, their 16 × 16 lowest waves without the mean, each
    one bit: above the median or not."""
    small = grey.copy()
    small.thumbnail((PDQ_FROM, PDQ_FROM), Image.Resampling.BICUBIC, reducing_gap=2)
    width = max(1.0, min(small.size) / 128)
    for _ in range(2):
        small = small.filter(ImageFilter.BoxBlur((width - 1) / 2))
    points = np.asarray(small.resize((64, 64), Image.Resampling.NEAREST), dtype=np.float64)
    waves = np.sqrt(2 / 64) * np.cos(np.pi / 128 * np.outer(np.arange(1, 17), 2 * np.arange(64) + 1))
    lowest = waves @ points @ waves.T
    return sum(1 << at for at in np.flatnonzero(lowest > np.median(lowest)).tolist())


def captured_at(image: Image.Image) -> datetime | None:
    """The moment of capture by the camera's clock, from EXIF; None where it is missing or nonsense."""
    try:
        exif = image.getexif()
        details = exif.get_ifd(ExifTags.IFD.Exif)
        text = details.get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime)
        offset = details.get(ExifTags.Base.OffsetTimeOriginal) or details.get(ExifTags.Base.OffsetTime)
        moment = datetime.strptime(str(text).strip("\0 "), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 (zone below)
    except Exception:  # EXIF of strangers fails in every way there is, and the picture is good without it
        return None
    try:
        zone = datetime.strptime(str(offset).strip("\0 "), "%z").tzinfo or CHINA
    except ValueError:
        zone = CHINA
    return moment.replace(tzinfo=zone) if moment.year >= 2000 else None


def _to_srgb(image: Image.Image) -> Image.Image:
    """Colours of another profile as sRGB, so that the profile can go."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "RGBA", "CMYK"):
        return image
    try:
        converted = ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            outputMode="RGBA" if image.mode == "RGBA" else "RGB",
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image
    return converted or image


def _without_border(picture: Image.Image) -> Image.Image:
    """The picture without flat borders (a screenshot's bars), unless they are most of it."""
    grey = picture.convert("L")
    corner = Image.new("L", grey.size, grey.getpixel((0, 0)))
    differs = ImageChops.difference(grey, corner).point(
        [0] * BORDER_TOLERANCE + [255] * (256 - BORDER_TOLERANCE)
    )
    box = differs.getbbox()
    if box is None or (box[2] - box[0]) * 2 < grey.width or (box[3] - box[1]) * 2 < grey.height:
        return grey
    return grey.crop(box)
