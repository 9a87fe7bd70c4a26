"""The upload routes alone, for gunicorn: what real clients talk to in the tests."""

import os
import uuid
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session, sessionmaker

from server.core.errors import Forbidden
from server.intake.uploads import build_blueprint
from storage.blobs import BlobStore
from storage.tus import TusServer
from storage.uploads import UploadStatus, UploadStore

MAX_SIZE = 30_000_000


def create_app() -> Flask:
    """Takes any upload but those of the nil submission; received ones are noted in the file RECEIVED."""
    env = os.environ
    store = BlobStore(env["S3_ENDPOINT"], env["S3_ACCESS_KEY"], env["S3_SECRET_KEY"], env["S3_BUCKET"])
    uploads = UploadStore(sessionmaker(sa.create_engine(env["DATABASE_URL"])), store)

    def may_upload(session: Session, submission: uuid.UUID, sha256: str, length: int) -> None:
        if not submission.int:
            raise Forbidden("upload.not_declared", "The submission does not declare this.")

    def on_received(session: Session, upload: UploadStatus) -> None:
        with Path(env["RECEIVED"]).open("a") as out:
            out.write(f"{upload.id}\n")

    app = Flask(__name__)
    tus = TusServer(uploads, MAX_SIZE, may_upload, on_received)
    app.register_blueprint(
        build_blueprint(lambda: tus, lambda: datetime.now(UTC)), url_prefix="/api/v1/uploads"
    )

    @app.errorhandler(Forbidden)
    def _refuse(problem: Forbidden) -> tuple[dict[str, object], int]:
        return problem.body(), problem.status

    return app
