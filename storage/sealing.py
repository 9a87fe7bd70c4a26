"""The county's age keys: phones seal to them, one worker step opens. Signing keys live in sync/signing.py."""

import hashlib
import io
import os
import re
import secrets
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

import pyrage
from pyrage.x25519 import Identity, Recipient

_FILE = re.compile(r"(?P<purpose>[a-z]+)\.(?P<generation>\d{4})\.age-key")


class Purpose(StrEnum):
    """What is sealed to a key: reports and media, who a named reporter is, where notices go."""

    INTAKE = "intake"
    IDENTITY = "identity"
    NOTICE = "notice"


class CannotOpen(Exception):
    """None of our keys opens this: sealed to another key, cut short, or changed on the way."""


class KeysMissing(Exception):
    """There is no key for this purpose in the directory; an operator creates them before the first start."""


@dataclass(frozen=True)
class PublicKey:
    """What a phone needs for sealing: the age recipient (age1…) and its id, a short hash of it."""

    id: str
    recipient: str


class _Nowhere(io.BytesIO):
    """Takes bytes and keeps none."""

    def write(self, data: Any, /) -> int:
        return len(data)


class Keyring:
    """A directory of age X25519 identities, several generations per purpose; the newest is given to phones.

    Read anew at every call, so that a rotation made by another process is seen without a restart. Old
    generations stay until nothing sealed to them is left.
    """

    def __init__(self, directory: Path) -> None:
        """Touches nothing yet."""
        self.directory = directory

    def create_missing(self) -> list[Purpose]:
        """Create a first key for each purpose that has none, and tell which; two may do it at once."""
        created = [purpose for purpose in Purpose if not self._generations(purpose)]
        for purpose in created:
            self._create(purpose, 1)
        return created

    def rotate(self, purpose: Purpose) -> PublicKey:
        """Create the next generation; phones get it with their next look at GET /api/v1/keys."""
        self._create(purpose, max(self._generations(purpose), default=0) + 1)
        return self.recipient(purpose)

    def recipient(self, purpose: Purpose) -> PublicKey:
        """The newest public key. Raises KeysMissing."""
        return _public(self._identities(purpose)[0].to_public())

    def public_keys(self, purpose: Purpose) -> list[PublicKey]:
        """All generations, newest first. Raises KeysMissing."""
        return [_public(identity.to_public()) for identity in self._identities(purpose)]

    def open(self, purpose: Purpose, sealed: bytes) -> bytes:
        """The plain bytes; tries all generations. Raises CannotOpen, KeysMissing."""
        try:
            return bytes(pyrage.decrypt(sealed, self._identities(purpose)))
        except pyrage.DecryptError as error:
            raise CannotOpen(str(error)) from error

    def open_file(self, purpose: Purpose, sealed: Path, target: Path) -> int:
        """Write the plain bytes of a large file into `target` (mode 600) in a stream; returns the size in
        bytes.

        Raises CannotOpen, and then leaves no target: age authenticates 64 KiB at a time, so the beginning of
        a file that was cut short has already been written when the fault is seen.
        """
        try:
            with (
                open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as plain,
                sealed.open("rb") as source,
            ):
                self._stream(purpose, source, plain)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        return target.stat().st_size

    def check(self, purpose: Purpose, sealed: IO[bytes]) -> None:
        """Open all of a file, keeping nothing of it. Raises CannotOpen."""
        self._stream(purpose, sealed, _Nowhere())

    def _stream(self, purpose: Purpose, sealed: IO[bytes], plain: IO[bytes]) -> None:
        try:
            pyrage.decrypt_io(sealed, plain, self._identities(purpose))
        except pyrage.DecryptError as error:
            raise CannotOpen(str(error)) from error
        except OSError as error:
            if error.errno is None:  # how pyrage tells a damaged stream; a full disk has its number
                raise CannotOpen(str(error)) from error
            raise

    def _generations(self, purpose: Purpose) -> dict[int, Path]:
        """Generation → key file."""
        found: dict[int, Path] = {}
        if self.directory.is_dir():
            for path in self.directory.iterdir():
                match = _FILE.fullmatch(path.name)
                if match and match["purpose"] == purpose:
                    found[int(match["generation"])] = path
        return found

    def _identities(self, purpose: Purpose) -> list[Identity]:
        """All private keys of a purpose, newest first. Raises KeysMissing."""
        found = self._generations(purpose)
        if not found:
            raise KeysMissing(f"no {purpose} key in {self.directory}")
        return [
            Identity.from_str(found[generation].read_text().strip())
            for generation in sorted(found, reverse=True)
        ]

    def _create(self, purpose: Purpose, generation: int) -> None:
        """Write a key whole or not at all; where another process was faster, its key stays."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self.directory / f".{secrets.token_hex(8)}"
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(f"{Identity.generate()}\n")
            out.flush()
            os.fsync(out.fileno())
        try:
            os.link(draft, self.directory / f"{purpose}.{generation:04}.age-key")
        except FileExistsError:
            pass
        finally:
            draft.unlink()


def _public(recipient: Recipient) -> PublicKey:
    text = str(recipient)
    return PublicKey(hashlib.sha256(text.encode()).hexdigest()[:16], text)
