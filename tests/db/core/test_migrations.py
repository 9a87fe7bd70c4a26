"""The migrations lead to exactly the tables that the models describe."""

import sqlalchemy as sa

from server.migrations import differences, pending, upgrade


def test_models_and_migrations_agree(engine: sa.Engine) -> None:
    assert differences(engine) == []


def test_nothing_waits_after_an_upgrade(engine: sa.Engine) -> None:
    upgrade(engine)
    assert pending(engine) == []


def test_an_empty_database_waits_for_every_revision(stack: object) -> None:
    empty = sa.create_engine(stack.database_url)  # type: ignore[attr-defined]
    assert pending(empty)
    empty.dispose()
