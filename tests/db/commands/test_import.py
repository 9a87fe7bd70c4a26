"""./manage.py import, as an operator meets it."""

import os
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from server.core.tables import LARGEST
from server.identity.models import Area, Person, Unit
from tests.db.commands.conftest import Run


def _count(sessions: sessionmaker[Session], table: type[Area] | type[Unit] | type[Person]) -> int:
    with sessions() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def test_check_only_looks_and_the_real_run_stores(
    run: Run, sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    file = tmp_path / "units.csv"
    file.write_bytes("编码,名称\n1,县应急管理局\n2,果洛机场\n".encode("gb18030"))
    looked = run("import", "units", file, "--check")
    assert (looked.exit_code, looked.output) == (
        0,
        "units: 2 would be added, 0 updated; 0 stay as they are.\n",
    )
    assert _count(sessions, Unit) == 0
    assert run("import", "units", file).exit_code == 0
    assert _count(sessions, Unit) == 2
    assert run("import", "units", file).output == "units: 0 were added, 0 updated; 2 stay as they are.\n"


def test_one_bad_row_stores_nothing_and_every_bad_row_is_told(
    run: Run, sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    file = tmp_path / "units.csv"
    file.write_text("code,name,area_code\n1,甲,\n2,,\n3,丙,nowhere\n")
    result = run("import", "units", file)
    assert result.exit_code == 1
    assert result.output == "line 3: name (名称) is empty\n1 faults; nothing was stored.\n"
    file.write_text("code,name,area_code\n1,甲,\n3,丙,nowhere\n")
    assert "line 3: area_code nowhere is not stored" in run("import", "units", file).output
    assert _count(sessions, Unit) == 0


def test_generated_passwords_are_shown_once(
    run: Run, sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    file.write_text("login,name,roles\nadmin1,管理员,管理员\n")
    looked = run("import", "people", file, "--check")
    assert "First passwords" not in looked.output
    first, again = run("import", "people", file), run("import", "people", file)
    assert "First passwords, shown only now:\n  admin1  " in first.output
    assert "First passwords" not in again.output
    assert _count(sessions, Person) == 1


@pytest.mark.parametrize("size", [LARGEST + 1, 100_000])
def test_garbage_is_refused_without_a_traceback(run: Run, tmp_path: Path, size: int) -> None:
    file = tmp_path / "garbage.csv"
    file.write_bytes(os.urandom(100_000) + bytes(size - 100_000))
    result = run("import", "areas", file)
    assert result.exit_code == 1
    assert "nothing was stored" in result.output
    assert isinstance(result.exception, SystemExit)


def test_a_database_that_is_away_is_said_in_a_sentence(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "units.csv"
    file.write_text("code,name\n1,甲\n")
    monkeypatch.setenv("DATABASE_URL", "postgresql+psycopg://x@127.0.0.1:9/x")
    result = run("import", "units", file)
    assert result.exit_code == 1
    assert "The database does not answer" in result.output
