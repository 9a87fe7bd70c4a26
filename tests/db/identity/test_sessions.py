"""Two tabs, or a thief and an owner, that refresh at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from server.core.clock import FixedClock
from server.identity.models import Person, RefreshToken
from server.identity.services import begin_session, end_all_sessions, rotate

TABS = 6


def _person(sessions: sessionmaker[Session], clock: FixedClock) -> tuple[UUID, UUID]:
    with sessions.begin() as session:
        person = Person(login="desk1", name="李文华", password_hash="x")
        session.add(person)
        session.flush()
        return person.id, begin_session(session, clock, person).jti


def _live(sessions: sessionmaker[Session]) -> int:
    statement = sa.select(sa.func.count()).where(
        RefreshToken.replaced_at.is_(None), RefreshToken.ended_at.is_(None)
    )
    with sessions() as session:
        return session.scalar(statement) or 0


def test_tabs_that_refresh_at_once_all_stay_and_leave_one_newest_token(
    sessions: sessionmaker[Session], clock: FixedClock
) -> None:
    _, jti = _person(sessions, clock)
    together = Barrier(TABS)

    def tab() -> bool:
        with sessions.begin() as session:
            session.connection()
            together.wait()
            return rotate(session, clock, jti) is not None

    with ThreadPoolExecutor(TABS) as tabs:
        assert all(answer.result() for answer in [tabs.submit(tab) for _ in range(TABS)])
    assert _live(sessions) == 1


def test_signing_out_everywhere_during_a_refresh_leaves_nothing_alive(
    sessions: sessionmaker[Session], clock: FixedClock
) -> None:
    person_id, jti = _person(sessions, clock)
    with ThreadPoolExecutor(1) as other, sessions() as refreshing:
        assert rotate(refreshing, clock, jti) is not None

        def out() -> None:
            with sessions.begin() as session:
                end_all_sessions(session, clock, session.get_one(Person, person_id))

        leaving = other.submit(out)
        _wait_until_blocked(refreshing)
        refreshing.commit()
        leaving.result()
    assert _live(sessions) == 0


def _wait_until_blocked(session: Session) -> None:
    """Until the other transaction waits for a lock."""
    waiting = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    while not session.scalar(waiting):
        session.execute(sa.text("SELECT pg_stat_clear_snapshot(), pg_sleep(0.01)"))
