"""The Flask application: parts, rooms, and the one place where requests commit and errors become answers."""

import json
import uuid
from datetime import timedelta
from typing import Any

import structlog
from flask import Flask, Response, request
from flask.typing import ResponseReturnValue
from flask_compress import Compress
from flask_smorest import Api
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from server import api_page, health, logs, metrics, web_apps
from server.cases.views import blueprint as clocks
from server.core.clock import Clock, SystemClock
from server.core.db import db, look_before_use
from server.core.errors import Problem, Unavailable
from server.core.web import clock, parts
from server.enterprises.views import blueprint as enterprises
from server.feedback.views import blueprint as feedback
from server.identity.access import init_jwt
from server.identity.views import blueprint as identity
from server.intake.services import admit_medium, on_received
from server.intake.throttle import count_medium
from server.intake.uploads import build_blueprint
from server.intake.views import blueprint as intake
from server.notices.views import blueprint as notices
from server.papers.views import blueprint as papers
from server.reports.public_views import blueprint as public
from server.reports.views import blueprint as reports
from server.routing.views import blueprint as routing
from server.settings import Settings, load_settings
from server.triage.views import blueprint as triage
from server.wiring import SUBSCRIPTIONS, build_parts
from storage.tus import TusServer

ROOMS = (public, intake, identity, notices, enterprises, triage, routing, reports, papers, feedback, clocks)
LARGEST_JSON = 1024 * 1024
STATEMENT_TIMEOUT_MS = 30_000
PLANS = "-c random_page_cost=1.1 -c work_mem=16MB -c max_parallel_workers_per_gather=0"
"""No disk turns any more, so a row by its index is cheap; what an index finds in a million rows is remembered row by
row; and nothing that a person waits for is worth the start of more processes."""

log = structlog.get_logger()


class Gridwatch(Flask):
    """One transaction per request: committed after the view, rolled back on anything raised."""

    def dispatch_request(self) -> ResponseReturnValue:
        """Run the view and commit; an answer that is an error undoes what was written."""
        try:
            answer = super().dispatch_request()
            db.session.commit()
        except BaseException:
            db.session.rollback()
            raise
        return answer


def create_app(settings: Settings | None = None, clock: Clock | None = None) -> Gridwatch:
    """Build the application. Raises NotConfigured with what is missing in the environment."""
    settings = settings or load_settings()
    logs.configure(settings.production)
    app = Gridwatch("gridwatch", static_folder=None)
    app.config.update(
        SQLALCHEMY_DATABASE_URI=settings.database_url.get_secret_value(),
        SQLALCHEMY_ENGINE_OPTIONS={
            "pool_size": 10,
            "max_overflow": 20,
            "connect_args": {
                "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS} {PLANS}",
                "connect_timeout": 5,
            },
        },
        MAX_CONTENT_LENGTH=LARGEST_JSON,
        API_TITLE="Gridwatch 网格哨",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api/v1",
        OPENAPI_JSON_PATH="openapi.json",
        COMPRESS_MIMETYPES=["application/json", "application/problem+json", "text/html"],
        COMPRESS_ALGORITHM=["br", "gzip"],
        JSON_SORT_KEYS=False,
        PERMANENT_SESSION_LIFETIME=timedelta(0),
    )
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    db.init_app(app)
    with app.app_context():
        look_before_use(db.engine)
        app.extensions["parts"] = build_parts(settings, db.engine)
        db.session.configure(info={"subscriptions": SUBSCRIPTIONS, "bell": app.extensions["parts"].bell})
    app.extensions["clock"] = clock or SystemClock()
    logs.log_requests(app)
    metrics.install(app, settings.metrics_networks)
    health.install(app)
    init_jwt(app)
    api = Api(app)
    for room in ROOMS:
        api.register_blueprint(room)
    app.register_blueprint(build_blueprint(_tus, lambda: _now()), url_prefix="/api/v1/uploads")
    api_page.install(app, api)
    Compress(app)
    web_apps.install(app, settings)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    # After the Api, which has a handler of its own for HTTP errors.
    app.register_error_handler(Problem, _problem)
    app.register_error_handler(HTTPException, _http_problem)
    app.register_error_handler(OperationalError, _database_away)
    app.register_error_handler(Exception, _bug)
    return app


def _now() -> Any:
    return clock().now()


def _tus() -> TusServer:
    return TusServer(
        uploads=parts().uploads,
        max_size=parts().settings.limits.sealed_bytes,
        may_upload=_may_upload,
        on_received=on_received,
    )


def _may_upload(session: Session, submission_id: uuid.UUID, sha256: str, size: int) -> None:
    address = request.remote_addr
    admit_medium(
        session, submission_id, sha256, size, lambda counted: count_medium(parts(), address, counted)
    )


def _problem(problem: Problem) -> Response:
    response = Response(
        json.dumps(problem.body(), ensure_ascii=False, default=str),
        problem.status,
        content_type="application/problem+json",
    )
    if "retry_after" in problem.extra:
        response.headers["Retry-After"] = str(problem.extra["retry_after"])
    return response


def _http_problem(error: HTTPException) -> Response:
    """What Flask or the schemas refuse: bad JSON, a field that is wrong, no such route."""
    problem = Problem(f"http.{error.code}", error.description or "")
    problem.status = error.code or 500
    problem.title = error.name
    fields = getattr(error, "data", {}).get("messages", {})
    if fields:
        problem.code = "fields.wrong"
        problem.detail = "Some fields are missing or wrong; see `fields`."
        problem.extra["fields"] = next(iter(fields.values())) if isinstance(fields, dict) else fields
    return _problem(problem)


def _database_away(error: OperationalError) -> Response:
    log.error("database.away", fault=type(error.orig).__name__)
    return _problem(
        Unavailable("database.away", "The database does not answer; try again in a minute.", retry_after=5)
    )


def _bug(error: Exception) -> Response:
    log.exception("bug", route=request.url_rule.rule if request.url_rule else None)
    return _problem(
        Problem("bug", "A fault of ours; it is in the log with this request's id. Please try again.")
    )
