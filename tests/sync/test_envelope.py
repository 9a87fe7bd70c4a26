"""Only faults of the envelope are refused, each with its word."""

import base64
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.envelope import AGE_MAGIC, Refused, digest_of, parse, parse_content_digest

SEALED = base64.b64encode(AGE_MAGIC + b"-> X25519 ...").decode()
GOOD: dict[str, Any] = {
    "v": 1,
    "kind": "tip",
    "body": SEALED,
    "receipt": "b" * 64,
    "identity": None,
    "contact": None,
    "media": [{"sha256": "a" * 64, "size": 10}],
}


def read(**changes: Any) -> Any:
    return parse(json.dumps(GOOD | changes).encode(), max_media=2, max_medium_bytes=100)


def test_a_good_envelope_is_read() -> None:
    envelope = read(identity=SEALED)
    assert envelope.kind == "tip"
    assert envelope.identity is not None
    assert envelope.media[0].size == 10


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"v": 2}, "envelope.shape"),
        ({"more": 1}, "envelope.shape"),
        ({"kind": "bribe"}, "envelope.kind"),
        ({"body": None}, "envelope.body"),
        ({"body": "%%%"}, "envelope.not_base64"),
        ({"body": base64.b64encode(b"plain text").decode()}, "envelope.not_sealed"),
        ({"receipt": None}, "envelope.receipt"),
        ({"receipt": "B" * 64}, "envelope.receipt"),
        ({"kind": "hazard"}, "envelope.receipt"),
        ({"media": {}}, "manifest.shape"),
        ({"media": [{"sha256": "a" * 64}]}, "manifest.shape"),
        ({"media": [{"sha256": "a" * 64, "size": 0}]}, "manifest.shape"),
        ({"media": [{"sha256": "a" * 64, "size": True}]}, "manifest.shape"),
        ({"media": [{"sha256": "a" * 64, "size": 101}]}, "manifest.medium_too_large"),
        ({"media": [{"sha256": "a" * 64, "size": 1}] * 2}, "manifest.twice"),
        ({"media": [{"sha256": c * 64, "size": 1} for c in "abc"]}, "manifest.too_many"),
    ],
)
def test_faults_of_the_envelope_are_refused_with_a_word(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused) as refused:
        read(**changes)
    assert refused.value.reason == reason


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with pytest.raises(Refused):
        parse(raw, 2, 100)


def test_the_digest_header_of_rfc_9530() -> None:
    raw = b'{"v":1}'
    header = f"sha-256=:{base64.b64encode(hashlib.sha256(raw).digest()).decode()}:"
    assert parse_content_digest(header) == digest_of(raw)
    assert parse_content_digest(f"sha-512=:AAAA:, {header}") == digest_of(raw)
    assert parse_content_digest("sha-256=:AAAA:") is None
    assert parse_content_digest("md5=:AAAA:") is None
    assert parse_content_digest("") is None
