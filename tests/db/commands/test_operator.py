"""What an operator does at the command line: routing rules, models, tasks that were set aside."""

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from server.audit.models import AuditEntry
from server.core.clock import FixedClock
from server.core.tasks import Task
from server.identity.models import Person
from server.routing.models import RoutingProposal
from server.triage.models import SectorProposal
from tests.db.commands.conftest import Run
from tests.factories import reports as make

RULES = "规则名,区域代码,行业序号,隐患类型,企业,牵头单位,责任单位,执法单位\n商务局管消防,,6,,,县商务局,,\n"


def test_rules_are_loaded_tried_switched_on_and_off(
    run: Run, sessions: sessionmaker[Session], clock: FixedClock, tmp_path: Path
) -> None:
    with sessions.begin() as session:
        fire, _ = make.unit(session, "县消防救援大队"), make.unit(session, "县商务局")
        make.unit(session, "县安委办", is_coordinating=True)
        make.sector(session, 6, "消防", fire, None)
        report = make.report(session, "安全出口锁着", received_at=clock.now())
        ranked = [{"sector_no": 6, "p": 0.9, "reasons": []}]
        facts = {"ranked": ranked, "decided": True, "model": "t", "created_at": clock.now()}
        session.add(SectorProposal(report_id=report.id, **facts))
        chief = make.person(session, "值班领导")
        login = session.get_one(Person, chief.person_id).login
    file = tmp_path / "rules.csv"
    file.write_text(RULES, encoding="utf-8")
    assert "set 1 is kept" in run("routing", "import", file, "--note", "试行").output
    assert "商务局管消防" in run("routing", "export", 1).output
    assert "reports would move" in run("routing", "try", "--set", 1).output
    assert "nobody signs in as x" in run("routing", "use", 1, "--by", "x").output
    assert run("routing", "use", 1, "--by", login).output == "set 1 is in use.\n"
    assert run("routing", "list").output.startswith("* 1  1 rules")
    assert run("routing", "use", 0, "--by", login).output == "no set is in use.\n"
    bad = run("routing", "import", tmp_path / "missing.csv")
    assert (bad.exit_code, bad.exception.__class__) == (1, SystemExit)
    with sessions() as session:
        assert session.scalars(sa.select(RoutingProposal)).all() == []  # to try is not to do
        switched = sa.select(sa.func.count()).select_from(AuditEntry)
        assert session.scalar(switched.where(AuditEntry.actor_id == chief.person_id)) == 2


def test_models_without_anything_to_learn_from_are_refused_in_a_sentence(run: Run) -> None:
    told = run("triage", "train")
    assert (told.exit_code, told.output) == (
        1,
        "Error: 0 judgements are too few to learn from: 50 are needed.\n",
    )
    for words in (("triage", "train-sectors"), ("triage", "use-sectors", 7, "--by", "nobody")):
        told = run(*words)
        assert told.exit_code == 1
        assert told.output.startswith("Error: ")


def test_tasks_set_aside_are_shown_and_tried_again(
    run: Run, sessions: sessionmaker[Session], clock: FixedClock
) -> None:
    assert run("tasks").output == "none was set aside\n"
    with sessions.begin() as session:
        task = Task(
            kind="media.open", payload={}, attempts=8, error="Traceback\nValueError: the seal is broken"
        )
        task.set_aside_at = clock.now()
        session.add(task)
        session.flush()
        task_id = task.id
    shown = run("tasks").output
    assert shown.startswith(f"{task_id}  media.open  tries 8")
    assert "the seal is broken" in shown
    assert "tried again: 1" in run("tasks", task_id).output
    with sessions() as session:
        again = session.get_one(Task, task_id)
        assert (again.set_aside_at, again.attempts) == (None, 0)
