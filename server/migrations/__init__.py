"""The schema's history: one Alembic chain for the tables of server/, sync/ and storage/."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

LOCK_TIMEOUT = "5s"
"""A migration that waits longer for a table blocks everybody behind it: give up and try again."""
STATEMENT_TIMEOUT = "15min"
ONE_AT_A_TIME = 0x6772_6964
"""Key of the advisory lock that two starting processes share."""


def _config() -> Config:
    config = Config()
    # Alembic reads the option through configparser, where a % begins an interpolation.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def upgrade(engine: sa.Engine) -> None:
    """Bring the schema to the newest revision, all of it or nothing; a second caller waits for the first."""
    config = _config()
    with engine.begin() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(ONE_AT_A_TIME)))
        connection.execute(sa.text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.execute(sa.text(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def pending(engine: sa.Engine) -> list[str]:
    """The revisions of this code that the database does not have yet, oldest first."""
    script = ScriptDirectory.from_config(_config())
    with engine.connect() as connection:
        have = MigrationContext.configure(connection).get_current_heads()
    known = {r.revision for head in have for r in script.iterate_revisions(head, "base")}
    return [r.revision for r in reversed(list(script.walk_revisions())) if r.revision not in known]


def write_revision(engine: sa.Engine, message: str) -> None:
    """Write a new revision file from what the models have and the database lacks; to be read before it is kept."""
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.revision(config, message, autogenerate=True)


def differences(engine: sa.Engine) -> list[str]:
    """What the models have and the migrated database lacks, or the other way round; empty when they agree."""
    from server.migrations.tables import TABLES, belongs_to_us

    with engine.connect() as connection:
        options = {"include_name": belongs_to_us, "compare_type": True}
        context = MigrationContext.configure(connection, opts={**options, "target_metadata": TABLES})
        return [repr(difference) for difference in compare_metadata(context, TABLES)]  # type: ignore[arg-type]
