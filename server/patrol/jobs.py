"""What the worker does for what inspectors send from their rounds."""

import uuid

from server.core.db import Facts
from server.core.tasks import Work
from server.enterprises import services as enterprises
from server.enterprises.rules import read_edit
from server.identity.models import Person
from server.identity.rules import Actor
from server.identity.services import actor_of
from server.intake.services import open_body
from server.patrol import services


def record_inspection(work: Work, payload: Facts) -> None:
    """An inspection was opened: keep it."""
    opened = open_body(work.session, work.parts, uuid.UUID(payload["submission_id"]))
    services.record_inspection(work.session, work.clock, opened)


def apply_edit(work: Work, payload: Facts) -> None:
    """An edit of an enterprise's file was opened: merge it."""
    opened = open_body(work.session, work.parts, uuid.UUID(payload["submission_id"]))
    submission = opened.submission
    if submission.sender_id is None:
        return
    actor = actor_of(work.session, submission.sender_id)
    if actor is None:  # no longer active, so without any right: a person decides about all of it
        actor = Actor(submission.sender_id, work.session.get_one(Person, submission.sender_id).name, ())
    enterprises.apply_edit(
        work.session, work.clock, actor, submission.id, submission.received_at, read_edit(opened.body)
    )
