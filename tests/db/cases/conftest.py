import pytest
from sqlalchemy.orm import Session

from server.core.clock import FixedClock
from server.core.parts import Parts
from tests.factories.county import County, build_county


@pytest.fixture
def county(parts: Parts, session: Session, clock: FixedClock) -> County:
    return build_county(session, clock, parts)
