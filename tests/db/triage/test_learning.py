"""Learning from the desk's judgements, and a person switching a model on."""

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.audit.models import AuditEntry
from server.core.clock import FixedClock
from server.core.errors import Invalid, NotFound
from server.identity.models import Person
from server.triage import learning, services
from server.triage.lab import train as lab
from server.triage.lab.field import County
from server.triage.model import shipped
from server.triage.models import DuplicateSuggestion, LearnedModel
from tests.factories import reports as make


@pytest.fixture
def judged(session: Session, clock: FixedClock) -> int:
    """What a desk said of the pairs of a made county: the truth."""
    blocks = list(lab.blocks(County(5).reports(150)))
    pairs = [(pair, same) for block in blocks for pair, same in zip(block.pairs, block.same, strict=True)]
    wanted = [p for p in pairs if p[1]][:40] + [p for p in pairs if not p[1]][:40]
    other = make.report(session)
    for pair, same in wanted:
        row = DuplicateSuggestion(
            report_id=make.report(session).id,
            other_id=other.id,
            score=0.5,
            reasons=[],
            row=[None if value != value else value for value in pair.row()],
            model="before",
            created_at=clock.now(),
            judged="same" if same else "different",
        )
        session.add(row)
    session.flush()
    return len(wanted)


def test_a_new_model_is_compared_and_kept_but_not_used_until_a_person_says_so(
    session: Session, clock: FixedClock, judged: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, "COUNTIES", 1)
    monkeypatch.setattr(learning, "REPORTS", 120)
    figures = learning.train(session, clock)
    assert figures["judgements"] == judged
    assert 0 < figures["kept_out"] < judged
    assert figures["old"]["version"] == shipped().version
    assert 0 <= figures["new"]["right"] <= 1
    version = figures["new"]["version"]
    assert session.get_one(LearnedModel, version).figures == figures
    assert services.model_in_use(session).version == shipped().version

    chief = make.person(session, "值班领导")
    login = session.get_one(Person, chief.person_id).login
    learning.use(session, clock, version, login)
    assert services.model_in_use(session).version == version
    entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "triage.use_model")).one()
    assert (entry.actor_id, entry.facts["version"]) == (chief.person_id, version)
    learning.use(session, clock, "shipped", login)
    assert services.model_in_use(session).version == shipped().version


def test_too_few_judgements_teach_nothing(session: Session, clock: FixedClock) -> None:
    with pytest.raises(Invalid, match="too few"):
        learning.train(session, clock)


def test_only_a_model_that_exists_is_switched_on_by_somebody_who_exists(
    session: Session, clock: FixedClock
) -> None:
    login = session.get_one(Person, make.person(session, "值班领导").person_id).login
    for version, by in (("pairs-x", login), ("shipped", "nobody")):
        with pytest.raises(NotFound):
            learning.use(session, clock, version, by)
