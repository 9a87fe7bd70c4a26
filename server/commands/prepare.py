"""What must be there before the processes start: keys, schema, bucket, and in a demo its county."""

import os
from pathlib import Path

import click
import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.migrations import differences, upgrade, write_revision
from server.notices.vapid import create_vapid
from server.settings import ROOT, load_settings
from storage.blobs import BlobStore
from storage.sealing import Keyring, Purpose
from sync.signing import SigningKeys


@click.command()
@click.option("--new", metavar="WHY", help="Write a new revision from the difference to the models.")
@click.option("--check", is_flag=True, help="Only tell whether models and schema agree.")
def migrate(new: str | None, check: bool) -> None:
    """Bring the schema to the newest revision."""
    engine = sa.create_engine(load_settings().database_url.get_secret_value(), poolclass=sa.NullPool)
    upgrade(engine)
    if new:
        write_revision(engine, new)
    if check and (found := differences(engine)):
        raise click.ClickException("models and migrations differ:\n" + "\n".join(found))


@click.command()
@click.option(
    "--rotate",
    type=click.Choice(["signing", "intake", "identity", "notice"]),
    help="Add a newer key of this kind; older ones stay, for what was sealed or signed with them.",
)
def keys(rotate: str | None) -> None:
    """Create the keys that are missing in KEYS_DIR; existing ones are never touched."""
    folder = Path(os.environ.get("KEYS_DIR") or ROOT / "var" / "keys")
    _create_keys(folder)
    if rotate == "signing":
        SigningKeys(folder).rotate()
    elif rotate:
        Keyring(folder).rotate(Purpose(rotate))
    click.echo(f"keys are in {folder}: copy them to a safe place, nothing sealed to them opens without")


@click.command()
@click.option("--demo/--no-demo", default=False, help="Fill an empty database with the demo county.")
def prepare(demo: bool) -> None:
    """What must be there before the first request: keys (not in production), schema, bucket."""
    settings = load_settings()
    if not settings.production:
        _create_keys(settings.keys_dir)
    engine = sa.create_engine(settings.database_url.get_secret_value(), poolclass=sa.NullPool)
    upgrade(engine)

    secret = settings.s3_secret_key.get_secret_value()
    BlobStore(
        settings.s3_endpoint, settings.s3_access_key, secret, settings.s3_bucket, settings.s3_secure
    ).ensure_bucket()
    if demo:
        _seed_when_empty(engine)


@click.command()
@click.option("--cases", type=click.IntRange(1), help="Add so many made-up cases: a million takes minutes.")
def seed(cases: int | None) -> None:
    """Fill an empty database with the demo county: Maqin's areas and units, invented enterprises and reports."""
    settings = load_settings()
    engine = sa.create_engine(settings.database_url.get_secret_value(), poolclass=sa.NullPool)
    upgrade(engine)
    if not _seed_when_empty(engine) and not cases:
        raise click.ClickException("the database already holds a county")
    if cases:
        from server.core.clock import SystemClock
        from server.demo.many import fill
        from server.wiring import build_parts

        blobs = build_parts(settings, engine).blobs
        blobs.ensure_bucket()
        fill(engine, blobs, SystemClock().now(), cases, settings.county_code)
        click.echo(f"added {cases:,} cases")


UNFINISHED = "the demo county is being loaded"


def _seed_when_empty(engine: sa.Engine) -> bool:
    """Whether the demo county was loaded. A load that was cut short, which the database remembers, begins again."""
    with Session(engine) as session:
        if _note(session) == UNFINISHED:
            _empty(session)
        if session.scalar(sa.text("SELECT 1 FROM area LIMIT 1")):
            return False
        _set_note(session, UNFINISHED)
        session.commit()
        click.echo("filling the database with the demo county, which takes a minute …")

        from server.core.clock import SystemClock
        from server.demo import services as demo
        from server.wiring import JOBS, SUBSCRIPTIONS, build_parts

        pooled = sa.create_engine(engine.url)
        demo.seed(build_parts(load_settings(), pooled), SystemClock(), JOBS, SUBSCRIPTIONS)
        pooled.dispose()
        _set_note(session, None)
        session.commit()
        return True


def _note(session: Session) -> str | None:
    """The comment on the database."""
    statement = (
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
    )
    note: str | None = session.scalar(sa.text(statement))
    return note


def _set_note(session: Session, note: str | None) -> None:
    text = "NULL" if note is None else f"'{note}'"
    session.execute(sa.text(f'COMMENT ON DATABASE "{session.get_bind().url.database}" IS {text}'))  # type: ignore[union-attr]


def _empty(session: Session) -> None:
    """Remove every row: all of them came from a demo that was cut short."""
    from server.migrations.tables import TABLES

    names = ", ".join(f'"{table.name}"' for metadata in TABLES for table in metadata.tables.values())
    session.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))


def _create_keys(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    Keyring(folder).create_missing()
    SigningKeys(folder).create()
    create_vapid(folder)
