"""What a medium's row says after it was opened."""

from pathlib import Path

from server.intake.models import Medium
from storage.blobs import BlobStore
from storage.media import Processed, SetAside

PICTURE = "image/webp"


def keep_products(blobs: BlobStore, medium: Medium, products: Processed) -> None:
    """Store the clean copies, preview and thumbnail under keys of this medium, and note what is known of it.

    Keys depend on the medium alone, so that doing it again after a kill writes the same objects.
    """
    medium.clean_key = _put(blobs, medium, "clean", products.clean, products.mime)
    medium.silent_key = _put(blobs, medium, "silent", products.silent, products.mime)
    medium.preview_key = _put(blobs, medium, "preview", products.preview, PICTURE)
    medium.thumb_key = _put(blobs, medium, "thumb", products.thumb, PICTURE)
    medium.state = "ready"
    medium.kind = products.kind
    medium.mime = products.mime
    medium.width, medium.height = products.width, products.height
    medium.duration_s = products.duration_s
    medium.captured_at = products.captured_at or medium.captured_at
    medium.dhash = products.dhash
    medium.flags = [{"code": flag.code, "detail": flag.detail} for flag in products.flags]


def set_aside(medium: Medium, why: SetAside) -> None:
    """Note that a medium was opened but is shown to nobody; the sealed original stays."""
    medium.state = "set_aside"
    medium.flags = [{"code": why.code, "detail": why.detail}]


def _put(blobs: BlobStore, medium: Medium, variant: str, path: Path | None, mime: str) -> str | None:
    if path is None:
        return None
    key = f"{variant}/{medium.id}"
    blobs.put_file(key, path, mime)
    return key
