"""Opening: the worker's step between storage and everything else."""

import tempfile
import uuid
from pathlib import Path

import structlog

from server.core.db import Facts
from server.core.tasks import Work
from server.intake import services
from server.intake.media import keep_products, set_aside
from server.intake.models import Medium
from storage.media import SetAside, process
from storage.sealing import CannotOpen, Purpose
from storage.uploads import UploadMissing, UploadState

IN_MEMORY = 4 * 1024 * 1024
"""A photo is smaller and needs no disk to be verified; a video is not kept in memory."""

log = structlog.get_logger()


def open_submission(work: Work, payload: Facts) -> None:
    """Open an envelope and hand it on by its kind."""
    services.open_submission(work.session, work.clock, work.parts, uuid.UUID(payload["submission_id"]))


def open_medium(work: Work, payload: Facts) -> None:
    """Verify and open a medium that was received in full: from then on the phone may let go of it.

    Nothing is written before the long part is over (see core/tasks.py).
    """
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as sealed:
        try:
            upload = work.parts.uploads.join(uuid.UUID(payload["upload_id"]), sealed)
        except UploadMissing:
            return  # taken back before it was opened
        if upload.state is UploadState.MISMATCH:
            services.mark_medium(work.session, upload.owner, upload.sha256, "expected")
            log.warning("medium.sent_wrong", size=upload.length)
        if upload.state is not UploadState.JOINED:
            return
        sealed.seek(0)
        try:
            work.parts.keyring.check(Purpose.INTAKE, sealed)
        except CannotOpen:
            services.mark_medium(work.session, upload.owner, upload.sha256, "unopenable")
            log.error("medium.unopenable", size=upload.length)
            return
    services.medium_opened(work.session, upload.owner, upload.sha256, upload.sealed_key)


def clean_medium(work: Work, payload: Facts) -> None:
    """What people look at: a clean copy, preview, thumbnail and perceptual hash of an opened medium."""
    medium = work.session.get_one(Medium, uuid.UUID(payload["medium_id"]))
    if medium.state != "expected" or medium.sealed_key is None:
        return
    with tempfile.TemporaryDirectory(prefix="gridwatch-") as folder:
        sealed, opened = Path(folder, "sealed"), Path(folder, "opened")
        work.parts.blobs.fetch(medium.sealed_key, sealed)
        work.parts.keyring.open_file(Purpose.INTAKE, sealed, opened)
        sealed.unlink()
        result = process(opened, medium.mime, work.clock.now(), Path(folder))
        if isinstance(result, SetAside):
            set_aside(medium, result)
        else:
            keep_products(work.parts.blobs, medium, result)
    services.medium_cleaned(work.session, medium)
