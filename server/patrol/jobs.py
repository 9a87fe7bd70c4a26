"""What the worker does for patrols."""

import uuid

from server.core.db import Facts
from server.core.tasks import Work
from server.intake.services import open_body
from server.patrol import services


def record_inspection(work: Work, payload: Facts) -> None:
    """An inspection was opened: keep it."""
    opened = open_body(work.session, work.parts, uuid.UUID(payload["submission_id"]))
    services.record_inspection(work.session, work.clock, opened)
