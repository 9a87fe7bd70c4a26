"""Learning from what the desk says: every judgement is a labelled pair. A person switches a new model on."""

import hashlib
import math
import uuid
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.audit.services import record
from server.core.clock import Clock
from server.core.db import Facts
from server.core.errors import Invalid, NotFound
from server.identity.models import Person
from server.identity.rules import Actor
from server.triage import services
from server.triage.model import PairModel
from server.triage.models import DuplicateSuggestion, LearnedModel

FEWEST = 50
"""Judgements below which nothing is learnt: chance would be."""
COUNTIES, REPORTS = 4, 1500
"""Made reports beside the judgements: the desk judges only what it was shown, and most pairs are not."""
WEIGHT = 5.0
"""A judgement against a made pair."""
SHIPPED_AGAIN = "shipped"


def train(session: Session, clock: Clock) -> Facts:
    """Train on four judgements of five, compare with the model in use on the fifth, and store the new one.

    Returns version and figures. Raises Invalid with too few judgements.
    """
    from server.triage.lab import train as lab

    judged = session.scalars(
        sa.select(DuplicateSuggestion)
        .where(DuplicateSuggestion.judged.is_not(None))
        .order_by(DuplicateSuggestion.id)
    ).all()
    if len(judged) < FEWEST:
        raise Invalid(
            "triage.few_judgements",
            f"{len(judged)} judgements are too few to learn from: {FEWEST} are needed.",
        )
    kept_out = [row for row in judged if _kept_out(row.id)]
    rows = lab.made_rows(len(judged), COUNTIES, REPORTS)
    for row in judged:
        if row not in kept_out:
            rows.add(_row(row), row.judged == "same", WEIGHT)
    version = f"pairs-{clock.now():%Y%m%d-%H%M%S}"
    facts = lab.fit(rows, version)
    old = services.model_in_use(session)
    figures = {
        "judgements": len(judged),
        "kept_out": len(kept_out),
        "old": {"version": old.version, **_figures(old, kept_out)},
        "new": {"version": version, **_figures(PairModel.from_facts(facts), kept_out)},
    }
    session.add(LearnedModel(version=version, trained_at=clock.now(), facts=facts, figures=figures))
    session.flush()
    return figures


def use(session: Session, clock: Clock, version: str, login: str) -> None:
    """Switch a trained model on, or go back to the one shipped; audited. Raises NotFound."""
    person = session.scalar(sa.select(Person).where(Person.login == login))
    model = session.get(LearnedModel, version)
    if person is None or (model is None and version != SHIPPED_AGAIN):
        raise NotFound("triage.no_such_model", "There is no such person or no model of this version.")
    if model is None:
        session.execute(sa.update(LearnedModel).values(used_since=None))
    else:
        model.used_since = clock.now()
    actor = Actor(person.id, person.name, ())
    record(session, clock, actor, "triage.use_model", "person", person.id, version=version)
    session.flush()


def _kept_out(suggestion_id: uuid.UUID) -> bool:
    """One in five, the same ones every time."""
    return hashlib.sha256(suggestion_id.bytes).digest()[0] < 256 // 5


def _row(row: DuplicateSuggestion) -> list[float]:
    return [math.nan if value is None else value for value in row.row]


def _figures(model: PairModel, judged: Sequence[DuplicateSuggestion]) -> Facts:
    """Of the kept-out judgements: the share that the model agrees with, and its surprise at them (log loss)."""
    if not judged:
        return {"right": None, "log_loss": None}
    scores = model.scores([_row(row) for row in judged])
    told = [(score, row.judged == "same") for score, row in zip(scores, judged, strict=True)]
    surprise = sum(-math.log(max(1e-6, score if same else 1 - score)) for score, same in told)
    right = sum((score >= 0.5) == same for score, same in told)
    return {"right": round(right / len(told), 4), "log_loss": round(surprise / len(told), 4)}
