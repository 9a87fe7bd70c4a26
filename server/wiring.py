"""The one place where concrete parts are built, and where it is said what follows on what."""

import redis
import sqlalchemy as sa
from sqlalchemy.orm import sessionmaker

from server.cases import jobs as cases
from server.core.bell import LATER_QUEUE, SLOW_QUEUE, Bell
from server.core.parts import Parts
from server.core.senders import Senders
from server.core.tasks import Job
from server.feedback import jobs as feedback
from server.intake import jobs as intake
from server.notices import jobs as notices
from server.notices.services import DELIVER
from server.patrol import jobs as patrol
from server.routing import jobs as routing
from server.settings import Settings
from server.triage import jobs as triage
from storage.blobs import BlobStore
from storage.sealing import Keyring
from storage.uploads import UploadStore
from sync.signing import SigningKeys

JOBS: dict[str, Job] = {
    "intake.open_submission": intake.open_submission,
    "intake.open_medium": intake.open_medium,
    "intake.clean_medium": intake.clean_medium,
    "patrol.record_inspection": patrol.record_inspection,
    "patrol.apply_edit": patrol.apply_edit,
    "triage.assess": triage.assess,
    "triage.compare_photo": triage.compare_photo,
    "routing.propose": routing.propose,
    "feedback.join_more": feedback.join_more,
    "cases.open_case": cases.open_case,
    "cases.join_reports": cases.join_reports,
    "cases.apply_step": cases.apply_step,
    "cases.tell_medium": cases.tell_medium,
    DELIVER: notices.deliver,
}
"""Every kind of task and the function that does it."""

QUEUE_OF = {
    "triage.assess": LATER_QUEUE,
    "triage.compare_photo": LATER_QUEUE,
    "routing.propose": LATER_QUEUE,
    "intake.clean_medium": SLOW_QUEUE,
}
"""Kinds that wait: in a rush, reports reach the desk and phones may let go before proposals are made."""

SUBSCRIPTIONS: dict[str, list[str]] = {
    "submission.accepted": ["intake.open_submission"],
    "upload.received": ["intake.open_medium"],
    "inspection.opened": ["patrol.record_inspection"],
    "edit.opened": ["patrol.apply_edit"],
    "step.opened": ["cases.apply_step"],
    "more.opened": ["feedback.join_more"],
    "report.registered": ["cases.open_case", "triage.assess", "feedback.join_more"],
    "report.same_matter": ["cases.join_reports"],
    "report.assessed": ["routing.propose"],
    "medium.opened": ["intake.clean_medium"],
    "medium.ready": ["triage.compare_photo", "cases.tell_medium"],
}
"""Event → tasks. A lower room emits an event and does not know who listens."""


def build_parts(settings: Settings, engine: sa.Engine) -> Parts:
    """Connect to nothing yet; every adapter connects on first use."""
    secret = settings.s3_secret_key.get_secret_value()
    blobs = BlobStore(
        settings.s3_endpoint,
        settings.s3_access_key,
        secret,
        settings.s3_bucket,
        settings.s3_secure,
        settings.s3_region,
        settings.s3_public_endpoint,
    )
    queue = redis.Redis.from_url(
        settings.redis_url.get_secret_value(), socket_timeout=30, socket_connect_timeout=2
    )
    bell = Bell(queue, QUEUE_OF)
    sessions = sessionmaker(engine, info={"subscriptions": SUBSCRIPTIONS, "bell": bell})
    return Parts(
        settings=settings,
        engine=engine,
        blobs=blobs,
        uploads=UploadStore(sessions, blobs),
        keyring=Keyring(settings.keys_dir),
        signing=SigningKeys(settings.keys_dir),
        queue=queue,
        bell=bell,
        senders=Senders(queue),
    )
