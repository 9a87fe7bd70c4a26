"""Changes for phones: nobody misses or repeats a row, however transactions interleave."""

import random
import threading
import time

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from sync import changes

WRITERS = 60
ROWS = 5


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


def test_a_row_that_commits_late_is_not_skipped(sessions: sessionmaker[Session]) -> None:
    with sessions() as early, sessions() as late, sessions() as reader:
        changes.publish(late, "s", "t", "late", {})
        changes.publish(early, "s", "t", "early", {})
        early.commit()
        before, cursor = follow(reader, ["s"])
        reader.rollback()
        late.commit()
        after, _ = follow(reader, ["s"], cursor)
        assert {row.key for row in before + after} == {"early", "late"}
        assert len(before) + len(after) == 2


def test_many_writers_that_commit_out_of_order(sessions: sessionmaker[Session]) -> None:
    """Some hold their transaction open, some roll back; a reader that asks all the time gets each row once."""
    streams = ["a", "b"]
    expected: set[str] = set()
    lock = threading.Lock()
    finished = threading.Event()

    def write(number: int) -> None:
        chance = random.Random(number)
        with sessions() as session:
            keys = [f"{number}-{row}" for row in range(ROWS)]
            for key in keys:
                changes.publish(session, chance.choice(streams), "t", key, {"n": number})
                time.sleep(chance.random() * 0.004)
            time.sleep(0.3 if number % 20 == 0 else chance.random() * 0.02)
            if number % 7 == 0:
                session.rollback()
                return
            session.commit()
            with lock:
                expected.update(keys)

    told: list[str] = []

    def read() -> None:
        cursor = None
        while True:
            last = finished.is_set()
            with sessions() as session:
                rows, cursor = follow(session, streams, cursor)
                told.extend(row.key for row in rows)
            if last:
                return

    reader = threading.Thread(target=read)
    reader.start()
    writers = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for start in range(0, WRITERS, 15):
        batch = writers[start : start + 15]
        for writer in batch:
            writer.start()
        for writer in batch:
            writer.join()
    finished.set()
    reader.join()
    assert sorted(told) == sorted(expected)


def test_only_the_latest_state_is_told_and_a_tombstone_says_drop_it(sessions: sessionmaker[Session]) -> None:
    with sessions() as session:
        for n in range(3):
            changes.publish(session, "s", "visit", "1", {"n": n})
            session.commit()
        rows, cursor = follow(session, ["s"])
        assert [(row.key, row.data) for row in rows] == [("1", {"n": 2})]
        session.commit()
        changes.withdraw(session, "s", "visit", "1")
        session.commit()
        rows, _ = follow(session, ["s"], cursor)
        assert [(row.key, row.deleted) for row in rows] == [("1", True)]


def test_a_stream_that_is_gone_is_not_told_any_more(sessions: sessionmaker[Session]) -> None:
    with sessions() as session:
        changes.publish(session, "unit:1", "case", "1", {})
        changes.publish(session, "person:1", "visit", "1", {})
        session.commit()
        page = changes.read(session, ["person:1"], None)
        assert page.streams == ("person:1",)
        assert [row.stream for row in page.changes] == ["person:1"]


def test_a_restored_backup_starts_from_the_beginning(sessions: sessionmaker[Session]) -> None:
    with sessions() as session:
        changes.publish(session, "s", "t", "1", {})
        session.commit()
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
