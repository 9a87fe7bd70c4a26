"""The chain of signing keys: each new key is vouched for by the one before."""

import base64
import stat
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from sync.signing import SigningKeys


def public(key: dict[str, str]) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(key["public"]))


def test_a_verdict_is_signed_over_exactly_its_bytes(tmp_path: Path) -> None:
    keys = SigningKeys(tmp_path)
    keys.create()
    verdict = keys.sign(b'{"state":"complete"}')
    signature, payload = base64.b64decode(verdict["signature"]), base64.b64decode(verdict["payload"])
    public(keys.published()[0]).verify(signature, payload)
    with pytest.raises(InvalidSignature):
        public(keys.published()[0]).verify(signature, payload + b" ")


def test_rotation_makes_a_chain_that_a_phone_can_follow(tmp_path: Path) -> None:
    keys = SigningKeys(tmp_path)
    keys.create()
    keys.create()
    keys.rotate()
    keys.rotate()
    chain = keys.published()
    assert [key["previous"] for key in chain] == [None, chain[0]["id"], chain[1]["id"]]
    for before, key in pairwise(chain):
        public(before).verify(base64.b64decode(key["signature"]), base64.b64decode(key["public"]))
    assert keys.sign(b"{}")["key"] == chain[-1]["id"]
    assert SigningKeys(tmp_path).published() == chain


def test_a_running_process_signs_with_the_key_that_another_one_added(tmp_path: Path) -> None:
    running = SigningKeys(tmp_path)
    running.create()
    before = running.sign(b"{}")["key"]
    SigningKeys(tmp_path).rotate()
    assert running.sign(b"{}")["key"] != before


def test_private_keys_are_for_their_owner_only(tmp_path: Path) -> None:
    SigningKeys(tmp_path).create()
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in tmp_path.iterdir())


def test_a_county_without_keys_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"manage\.py keys"):
        SigningKeys(tmp_path).sign(b"{}")
