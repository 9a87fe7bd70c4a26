"""Changes for phones: nobody misses or repeats a row, however transactions interleave."""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from sync import changes

WRITERS = 240
AT_ONCE = 60
READERS = 3
ROWS = 5
LONG = range(0, WRITERS, 10)
"""Of the writers; fewer than AT_ONCE, so that the others go on."""

Settle = Callable[[], None]


def follow(
    session: Session, streams: list[str], cursor: str | None = None
) -> tuple[list[changes.Change], str]:
    """Read all pages."""
    told: list[changes.Change] = []
    while True:
        page = changes.read(session, streams, cursor, limit=7)
        told += page.changes
        cursor = page.cursor
        if not page.more:
            return told, cursor


def test_a_row_that_commits_late_is_not_skipped(sessions: sessionmaker[Session], settle: Settle) -> None:
    with sessions() as early, sessions() as late, sessions() as reader:
        changes.publish(late, "s", "t", "late", {})
        changes.publish(early, "s", "t", "early", {})
        early.commit()
        before, cursor = follow(reader, ["s"])
        reader.rollback()
        assert before == [], "what is before it may still come"
        late.commit()
        settle()
        after, _ = follow(reader, ["s"], cursor)
        assert sorted(row.key for row in after) == ["early", "late"]


def test_hundreds_of_writers_that_commit_out_of_order(engine: sa.Engine, app: object, settle: Settle) -> None:
    """Some roll back, some keep their transaction open while dozens or all others commit; readers that ask all the
    time get each row once.
    """
    streams = ["a", "b"]
    expected: set[str] = set()
    over = 0
    turn = threading.Condition()
    finished = threading.Event()
    connections = sa.create_engine(engine.url, pool_size=AT_ONCE + READERS, max_overflow=0)
    sessions = sessionmaker(connections)

    def write(number: int) -> None:
        nonlocal over
        chance = random.Random(number)
        keys = [f"{number}-{row}" for row in range(ROWS)]
        with sessions() as session:
            for key in keys:
                changes.publish(session, chance.choice(streams), "t", key, {"n": number})
                time.sleep(chance.random() * 0.004)
            if number in LONG:
                until = chance.choice((50, 100, WRITERS - len(LONG)))
                with turn:
                    turn.wait_for(lambda: over >= until)
            if number % 7 == 0:
                session.rollback()
            else:
                session.commit()
        with turn:
            expected.update(keys if number % 7 else ())
            over += number not in LONG
            turn.notify_all()

    def read() -> list[str]:
        told: list[str] = []
        cursor = None
        while True:
            last = finished.is_set()
            with sessions() as session:
                rows, cursor = follow(session, streams, cursor)
                told.extend(row.key for row in rows)
            if last:
                return told

    with ThreadPoolExecutor(READERS) as readers, ThreadPoolExecutor(AT_ONCE) as writers:
        reading = [readers.submit(read) for _ in range(READERS)]
        list(writers.map(write, range(WRITERS)))
        settle()
        finished.set()
        told = [one.result() for one in reading]
    connections.dispose()
    assert len(expected) > 200 * ROWS * 6 / 7
    for one in told:
        assert sorted(one) == sorted(expected)


def test_only_the_latest_state_is_told_and_a_tombstone_says_drop_it(
    sessions: sessionmaker[Session], settle: Settle
) -> None:
    with sessions() as session:
        for n in range(3):
            changes.publish(session, "s", "visit", "1", {"n": n})
            session.commit()
        settle()
        rows, cursor = follow(session, ["s"])
        assert [(row.key, row.data) for row in rows] == [("1", {"n": 2})]
        session.commit()
        changes.withdraw(session, "s", "visit", "1")
        session.commit()
        settle()
        rows, _ = follow(session, ["s"], cursor)
        assert [(row.key, row.deleted) for row in rows] == [("1", True)]


def test_a_stream_that_is_gone_is_not_told_any_more(sessions: sessionmaker[Session], settle: Settle) -> None:
    with sessions() as session:
        changes.publish(session, "unit:1", "case", "1", {})
        changes.publish(session, "person:1", "visit", "1", {})
        session.commit()
        settle()
        page = changes.read(session, ["person:1"], None)
        assert page.streams == ("person:1",)
        assert [row.stream for row in page.changes] == ["person:1"]


def test_a_restored_backup_starts_from_the_beginning(sessions: sessionmaker[Session], settle: Settle) -> None:
    with sessions() as session:
        changes.publish(session, "s", "t", "1", {})
        session.commit()
        settle()
        _, cursor = follow(session, ["s"])
        before = session.scalars(sa.select(changes.Epoch.value)).one()
        session.execute(sa.update(changes.Epoch).values(value="another life"))
        rows, _ = follow(session, ["s"], cursor)
        assert [row.key for row in rows] == ["1"]
        session.execute(sa.update(changes.Epoch).values(value=before))


@pytest.mark.parametrize("cursor", ["x", "e30=", "WzEsMl0=", "%%%"])
def test_a_cursor_that_is_not_ours_is_said_so(sessions: sessionmaker[Session], cursor: str) -> None:
    with sessions() as session, pytest.raises(ValueError, match="not one of this server"):
        changes.read(session, ["s"], cursor)
