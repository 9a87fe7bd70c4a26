"""What triage does when a report was registered or a picture became ready."""

import uuid

from server.core.db import Facts
from server.core.tasks import Work, emit
from server.triage import services


def assess(work: Work, payload: Facts) -> None:
    """Look for earlier reports of the same matter, propose a sector, and tell that it is done."""
    report_id = uuid.UUID(payload["report_id"])
    services.assess(work.session, work.clock, report_id)
    emit(work.session, "report.assessed", report_id=report_id)


def compare_photo(work: Work, payload: Facts) -> None:
    """Compare the report of a picture that can be seen now."""
    services.compare_photo(work.session, work.clock, uuid.UUID(payload["submission_id"]))
