"""Age keys: who can open what, for how long, and what happens to damaged seals."""

import io
import resource
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyrage
import pytest
from pyrage.x25519 import Recipient

from storage.sealing import CannotOpen, Keyring, KeysMissing, Purpose

PLAIN = b"smoke over the gas station " * 20_000


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    ring = Keyring(tmp_path / "keys")
    assert ring.create_missing() == list(Purpose)
    return ring


def seal(keyring: Keyring, purpose: Purpose, plain: bytes = PLAIN) -> bytes:
    return bytes(pyrage.encrypt(plain, [Recipient.from_str(keyring.recipient(purpose).recipient)]))


def test_only_the_key_of_the_purpose_opens(keyring: Keyring) -> None:
    sealed = seal(keyring, Purpose.IDENTITY)
    assert keyring.open(Purpose.IDENTITY, sealed) == PLAIN
    with pytest.raises(CannotOpen):
        keyring.open(Purpose.INTAKE, sealed)
    with pytest.raises(CannotOpen):
        keyring.open(Purpose.IDENTITY, pyrage.passphrase.encrypt(PLAIN, "guess"))


def test_old_generations_still_open_after_rotation(keyring: Keyring) -> None:
    before = keyring.recipient(Purpose.INTAKE)
    sealed = seal(keyring, Purpose.INTAKE)
    other_process = Keyring(keyring.directory)
    after = keyring.rotate(Purpose.INTAKE)
    assert after != before
    assert other_process.recipient(Purpose.INTAKE) == after
    assert other_process.public_keys(Purpose.INTAKE) == [after, before]
    assert other_process.open(Purpose.INTAKE, sealed) == PLAIN
    assert other_process.open(Purpose.INTAKE, seal(keyring, Purpose.INTAKE)) == PLAIN


def test_private_keys_are_closed_to_others_and_kept(keyring: Keyring) -> None:
    files = sorted(keyring.directory.iterdir())
    assert [file.name for file in files] == [f"{purpose}.0001.age-key" for purpose in sorted(Purpose)]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert keyring.directory.stat().st_mode & 0o777 == 0o700
    before = keyring.recipient(Purpose.INTAKE)
    assert keyring.create_missing() == []
    assert keyring.recipient(Purpose.INTAKE) == before


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: Keyring(tmp_path).create_missing(), range(8)))
    assert len(list(tmp_path.iterdir())) == len(Purpose)


def test_without_keys_nothing_is_invented(tmp_path: Path) -> None:
    with pytest.raises(KeysMissing):
        Keyring(tmp_path / "none").recipient(Purpose.INTAKE)
    assert not (tmp_path / "none").exists()


def test_a_large_file_is_opened_as_a_stream(keyring: Keyring, tmp_path: Path) -> None:
    sealed = seal(keyring, Purpose.INTAKE)
    (tmp_path / "sealed").write_bytes(sealed)
    target = tmp_path / "opened"
    assert keyring.open_file(Purpose.INTAKE, tmp_path / "sealed", target) == len(PLAIN)
    assert target.read_bytes() == PLAIN
    assert target.stat().st_mode & 0o777 == 0o600
    keyring.check(Purpose.INTAKE, io.BytesIO(sealed))


@pytest.mark.parametrize(
    "damage",
    [
        lambda sealed: b"",
        lambda sealed: b"not age at all",
        lambda sealed: sealed[:100],
        lambda sealed: sealed[: len(sealed) // 2],
        lambda sealed: sealed[:-1],
        lambda sealed: sealed + b"more",
        lambda sealed: sealed[:-300] + b"\0" * 300,
    ],
    ids=["empty", "other", "head only", "half", "last byte", "appended", "changed"],
)
def test_a_damaged_seal_opens_nothing_and_leaves_nothing(keyring: Keyring, tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    damaged = damage(seal(keyring, Purpose.INTAKE))
    with pytest.raises(CannotOpen):
        keyring.open(Purpose.INTAKE, damaged)
    with pytest.raises(CannotOpen):
        keyring.check(Purpose.INTAKE, io.BytesIO(damaged))
    (tmp_path / "sealed").write_bytes(damaged)
    with pytest.raises(CannotOpen):
        keyring.open_file(Purpose.INTAKE, tmp_path / "sealed", tmp_path / "opened")
    assert not (tmp_path / "opened").exists()


def test_a_full_disk_is_not_taken_for_a_damaged_seal(keyring: Keyring, tmp_path: Path) -> None:
    (tmp_path / "sealed").write_bytes(seal(keyring, Purpose.INTAKE))
    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (70_000, most[1]))
        with pytest.raises(OSError, match="File too large"):
            keyring.open_file(Purpose.INTAKE, tmp_path / "sealed", tmp_path / "opened")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, most)
        signal.signal(signal.SIGXFSZ, ignored)
    assert not (tmp_path / "opened").exists()
