"""Ed25519 keys of the server's verdicts: a chain in which each key is signed by the one before (PROTOCOL.md §2, §4)."""

import base64
import hashlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

SETTLED_NS = 2_000_000_000
"""A folder that changed a moment ago may change again within one tick of its file system's clock."""


@dataclass(frozen=True)
class SigningKey:
    """One key of the chain; `signature` is by `previous` over the public bytes."""

    id: str
    private: Ed25519PrivateKey
    previous: str | None
    signature: bytes | None

    @property
    def public(self) -> bytes:
        """The 32 public bytes."""
        return self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


class SigningKeys:
    """The chain in `<directory>/signing-NNN.json`, oldest first; files are readable by the owner only."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._read: dict[Path, SigningKey] = {}
        self._looked: tuple[int, list[SigningKey]] = (0, [])
        """The folder's time of change when it was last read, and what was there."""

    @property
    def chain(self) -> list[SigningKey]:
        """All keys; one that another process has added is seen. Raises FileNotFoundError when there is none."""
        changed = self._directory.stat().st_mtime_ns if self._directory.exists() else 0
        if changed and changed == self._looked[0]:
            return self._looked[1]
        paths = sorted(self._directory.glob("signing-*.json"))
        if not paths:
            raise FileNotFoundError(f"no signing key in {self._directory}: run ./manage.py keys")
        for path in paths:
            if path not in self._read:
                self._read[path] = _read(path)
        keys = [self._read[path] for path in paths]
        if time.time_ns() - changed > SETTLED_NS:
            self._looked = (changed, keys)
        return keys

    def create(self) -> None:
        """Make the first key; does nothing when there is one."""
        if not any(self._directory.glob("signing-*.json")):
            self._write(1, None)

    def rotate(self) -> None:
        """Append a new key, signed by the newest; verdicts are signed by it from now on."""
        self._write(len(self.chain) + 1, self.chain[-1])

    def sign(self, payload: bytes) -> dict[str, str]:
        """A signed verdict over exactly these bytes."""
        key = self.chain[-1]
        return {"payload": _b64(payload), "signature": _b64(key.private.sign(payload)), "key": key.id}

    def published(self) -> list[dict[str, Any]]:
        """The chain as `GET /keys` tells it."""
        return [
            {
                "id": key.id,
                "public": _b64(key.public),
                "previous": key.previous,
                "signature": _b64(key.signature) if key.signature else None,
            }
            for key in self.chain
        ]

    def _write(self, number: int, previous: SigningKey | None) -> None:
        private = Ed25519PrivateKey.generate()
        public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        seed = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        stored = {
            "seed": _b64(seed),
            "previous": previous.id if previous else None,
            "signature": _b64(previous.private.sign(public)) if previous else None,
        }
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._directory / f"signing-{number:03}.json"
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(stored, file)


def _read(path: Path) -> SigningKey:
    stored = json.loads(path.read_text())
    private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(stored["seed"]))
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    signature = stored["signature"]
    return SigningKey(
        id=hashlib.sha256(public).hexdigest()[:16],
        private=private,
        previous=stored["previous"],
        signature=base64.b64decode(signature) if signature else None,
    )


def _b64(value: bytes) -> str:
    return base64.b64encode(value).decode()
