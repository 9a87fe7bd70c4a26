"""Passwords at rest."""

from argon2 import PasswordHasher

from server.identity.passwords import hash_password, outdated, verify


def test_only_the_right_password_fits_and_nobody_has_none() -> None:
    stored = hash_password("雪山下的牧场 2026")
    assert stored.startswith("$argon2id$")
    assert verify(stored, "雪山下的牧场 2026")
    assert not verify(stored, "雪山下的牧场 2025")
    assert not verify(None, "a password that nobody has")
    assert not verify("not a hash", "not a hash")


def test_a_hash_with_weaker_parameters_is_outdated() -> None:
    assert outdated(PasswordHasher(time_cost=1, memory_cost=8192).hash("x"))
    assert not outdated(hash_password("x"))
