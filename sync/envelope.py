"""The envelope of a submission: its shape and limits are all that may be refused (PROTOCOL.md §3)."""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

KINDS = ("tip", "more", "entry", "hazard", "inspection", "step", "edit")
PUBLIC_KINDS = ("tip", "more")
"""What takes no credentials."""
RECEIPT_KINDS = ("tip", "entry")
"""What gives somebody a receipt code."""
HEX_64 = re.compile(r"[0-9a-f]{64}\Z")
AGE_MAGIC = b"age-encryption.org/v1\n"
KNOWN = {"v", "kind", "body", "receipt", "identity", "contact", "media"}


class Refused(Exception):
    """These bytes can never be taken; `reason` is a stable word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class DeclaredMedium:
    """One line of the manifest: the sealed form's SHA-256 (hex) and its size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True)
class Envelope:
    """A parsed envelope; `body`, `identity` and `contact` are sealed bytes."""

    kind: str
    body: bytes
    receipt: str | None
    identity: bytes | None
    contact: bytes | None
    media: tuple[DeclaredMedium, ...]


def digest_of(raw: bytes) -> str:
    """Hex SHA-256: what identifies the content of a submission."""
    return hashlib.sha256(raw).hexdigest()


def parse_content_digest(header: str) -> str | None:
    """The hex SHA-256 told by a Content-Digest header (RFC 9530), None when it tells none."""
    match = re.search(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]+):", header)
    if match is None:
        return None
    try:
        digest = base64.b64decode(match[1], validate=True)
    except binascii.Error:
        return None
    return digest.hex() if len(digest) == 32 else None


def parse(raw: bytes, max_media: int, max_medium_bytes: int) -> Envelope:
    """Read the envelope bytes. Raises Refused with the reason."""
    try:
        fields = json.loads(raw)
    except ValueError as fault:
        raise Refused("envelope.not_json") from fault
    if not isinstance(fields, dict) or fields.get("v") != 1 or not set(fields) <= KNOWN:
        raise Refused("envelope.shape")
    if fields.get("kind") not in KINDS:
        raise Refused("envelope.kind")
    receipt = fields.get("receipt")
    if receipt is not None and not _is_hash(receipt):
        raise Refused("envelope.receipt")
    if (fields["kind"] in RECEIPT_KINDS) != (receipt is not None):
        raise Refused("envelope.receipt")
    body = _sealed(fields.get("body"))
    if body is None:
        raise Refused("envelope.body")
    return Envelope(
        kind=fields["kind"],
        body=body,
        receipt=receipt,
        identity=_sealed(fields.get("identity")),
        contact=_sealed(fields.get("contact")),
        media=tuple(_manifest(fields.get("media"), max_media, max_medium_bytes)),
    )


def _sealed(value: Any) -> bytes | None:
    if value is None:
        return None
    try:
        sealed = base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError) as fault:
        raise Refused("envelope.not_base64") from fault
    if not sealed.startswith(AGE_MAGIC):
        raise Refused("envelope.not_sealed")
    return sealed


def _manifest(value: Any, max_media: int, max_medium_bytes: int) -> Iterable[DeclaredMedium]:
    if not isinstance(value, list):
        raise Refused("manifest.shape")
    if len(value) > max_media:
        raise Refused("manifest.too_many")
    seen = set()
    for line in value:
        if not isinstance(line, dict) or set(line) != {"sha256", "size"} or not _is_hash(line["sha256"]):
            raise Refused("manifest.shape")
        sha256, size = line["sha256"], line["size"]
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise Refused("manifest.shape")
        if size > max_medium_bytes:
            raise Refused("manifest.medium_too_large")
        if sha256 in seen:
            raise Refused("manifest.twice")
        seen.add(sha256)
        yield DeclaredMedium(sha256, size)


def _is_hash(value: Any) -> bool:
    return isinstance(value, str) and HEX_64.match(value) is not None
