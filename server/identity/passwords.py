"""Passwords as argon2id; the parameters are the library's, which follow RFC 9106."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 10
LONGEST = 200
"""Characters; more would only be work for the server."""

_hasher = PasswordHasher()


def hash_password(password: str) -> str:
    """The salted hash to store."""
    return _hasher.hash(password)


def verify(password_hash: str | None, password: str) -> bool:
    """Whether the password fits. None (nobody has the login) costs the same time: timing tells nothing."""
    try:
        _hasher.verify(password_hash or _nobodys_hash(), password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def outdated(password_hash: str) -> bool:
    """Hashed with other parameters than today's: hash again at the next sign-in."""
    return _hasher.check_needs_rehash(password_hash)


@cache
def _nobodys_hash() -> str:
    return _hasher.hash("a password that nobody has")
