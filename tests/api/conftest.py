"""A county behind the API, committed, and people who are signed in."""

from collections.abc import Callable, Iterator

import pytest
from flask_jwt_extended import create_access_token
from sqlalchemy.orm import Session, sessionmaker

from server.app import Gridwatch
from server.core.clock import FixedClock
from server.core.parts import Parts
from server.identity.services import begin_session
from tests.factories.county import County, build_county

Headers = dict[str, str]
SignedIn = Callable[[str], Headers]


@pytest.fixture
def office(sessions: sessionmaker[Session], clock: FixedClock, parts: Parts) -> Iterator[County]:
    """The small county; `office.session.commit()` shows to the API what a test adds."""
    with sessions() as session:
        county = build_county(session, clock, parts)
        session.commit()
        yield county


@pytest.fixture
def signed_in(app: Gridwatch, office: County) -> Callable[[str], Headers]:
    """The headers of somebody of the county, by login."""

    def headers(login: str) -> Headers:
        person = office.people[login]
        token = begin_session(office.session, office.clock, person)
        claims = {"family": str(token.family), "issued": office.clock.now().isoformat()}
        office.session.commit()
        with app.app_context():
            access = create_access_token(str(person.id), additional_claims=claims)
        return {"Authorization": f"Bearer {access}"}

    return headers
