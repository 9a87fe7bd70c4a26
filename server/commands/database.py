"""What commands for operators share: a session on the right database, and who acts."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.commands.stack import services
from server.core.errors import Problem
from server.core.tables import BadTable
from server.identity.models import Person
from server.identity.rules import Actor
from server.settings import NotConfigured, load_settings


@contextmanager
def database() -> Iterator[Session]:
    """A session on the configured services, those of `up`, or this clone's own; what is wrong is told in sentences."""
    try:
        with services():
            engine = sa.create_engine(load_settings().database_url.get_secret_value(), poolclass=sa.NullPool)
            with Session(engine) as session:
                yield session
    except BadTable as bad:
        click.echo("\n".join(map(str, bad.faults)), err=True)
        click.echo(f"{len(bad.faults)} faults; nothing was stored.", err=True)
        sys.exit(1)
    except (Problem, NotConfigured) as fault:
        raise click.ClickException(str(fault)) from fault
    except sa.exc.OperationalError as fault:
        raise click.ClickException(f"The database does not answer: {fault.orig}") from fault


def who(session: Session, login: str) -> Actor:
    """The person of this login, for the audit; a login that nobody has ends the command."""
    person = session.scalar(sa.select(Person).where(Person.login == login, Person.active))
    if person is None:
        raise click.ClickException(f"nobody signs in as {login}")
    return Actor(person.id, person.name, ())
