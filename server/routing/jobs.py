"""What routing does when a report was assessed."""

import uuid

from server.core.db import Facts
from server.core.tasks import Work
from server.routing import services


def propose(work: Work, payload: Facts) -> None:
    """Propose the responsible unit."""
    services.propose(work.session, work.clock, uuid.UUID(payload["report_id"]))
