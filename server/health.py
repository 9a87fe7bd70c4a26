"""`GET /healthz`: is each part well, and if not, why."""

from collections.abc import Callable

import sqlalchemy as sa
from flask import Flask, Response, jsonify
from rq import Worker

from server.core.bell import queue
from server.core.db import db
from server.core.parts import Parts
from server.core.web import parts
from server.migrations import pending
from storage.sealing import Purpose


def _database(parts: Parts) -> str | None:
    db.session.execute(sa.text("SELECT 1"))
    return None


def _schema(parts: Parts) -> str | None:
    missing = pending(parts.engine)
    return f"migrations wait to be run: {', '.join(missing)}" if missing else None


def _queue(parts: Parts) -> str | None:
    parts.queue.ping()
    return None


def _worker(parts: Parts) -> str | None:
    return None if Worker.all(queue=queue(parts.queue)) else "no worker is running"


def _objects(parts: Parts) -> str | None:
    return None if parts.blobs.healthy() else "the object store does not answer"


def _keys(parts: Parts) -> str | None:
    parts.signing.published()
    for purpose in Purpose:
        parts.keyring.recipient(purpose)
    return None


def _web(parts: Parts) -> str | None:
    missing = [app for app in ("tip", "staff") if not (parts.settings.web_dir / app / "index.html").is_file()]
    return f"not built: {', '.join(missing)}" if missing else None


COMPONENTS: dict[str, Callable[[Parts], str | None]] = {
    "database": _database,
    "schema": _schema,
    "queue": _queue,
    "worker": _worker,
    "objects": _objects,
    "keys": _keys,
    "web": _web,
}


def install(app: Flask) -> None:
    """Add the route: 200 when all is well, else 503."""

    @app.get("/healthz")
    def healthz() -> Response:
        """Is everything well?"""
        told = {name: _ask(check) for name, check in COMPONENTS.items()}
        answer = jsonify({name: {"ok": fault is None, "reason": fault} for name, fault in told.items()})
        answer.status_code = 503 if any(told.values()) else 200
        answer.headers["Cache-Control"] = "no-store"
        return answer


def _ask(check: Callable[[Parts], str | None]) -> str | None:
    try:
        return check(parts())
    except Exception as fault:
        # Every fault of a part is an answer here. The kind only: messages of drivers carry addresses and users.
        db.session.rollback()
        return type(fault).__name__
