"""What the worker does for the conversation."""

import uuid

from server.core.db import Facts
from server.core.tasks import Work
from server.feedback import services


def join_more(work: Work, payload: Facts) -> None:
    """More to a report was opened, or its report was registered: the two find each other, whichever came first."""
    given = {name: uuid.UUID(payload[name]) for name in ("submission_id", "report_id") if name in payload}
    services.join_more(work.session, work.clock, **given)
