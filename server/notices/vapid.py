"""The key by which push services know this server (VAPID, RFC 8292); one for a county's life, beside the other keys."""

import base64
import os
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

FILE = "vapid.pem"


def create_vapid(folder: Path) -> None:
    """Create the key where there is none. A new one would silence every browser that subscribed to the old one."""
    if (folder / FILE).exists():
        return
    key = ec.generate_private_key(ec.SECP256R1())
    draft = folder / f".{FILE}.{os.getpid()}"
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with suppress(FileExistsError):  # another process was first, and its key counts
        os.link(draft, folder / FILE)
    draft.unlink()


def public_key(folder: Path) -> str | None:
    """What a browser subscribes with (base64url of the point); None without a key: no push is offered."""
    path = folder / FILE
    if not path.exists():
        return None
    key = load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)  # create_vapid makes no other
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).decode().rstrip("=")
