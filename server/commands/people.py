"""Who acts at the command line."""

import click
import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.identity.models import Person
from server.identity.rules import Actor


def who(session: Session, login: str) -> Actor:
    """The person of this login, for the audit; a login that nobody has ends the command."""
    person = session.scalar(sa.select(Person).where(Person.login == login, Person.active))
    if person is None:
        raise click.ClickException(f"nobody signs in as {login}")
    return Actor(person.id, person.name, ())
