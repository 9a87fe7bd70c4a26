"""Prometheus figures at /metrics, for staff networks only."""

import os
import time
from collections.abc import Iterable
from ipaddress import ip_address

import sqlalchemy as sa
from flask import Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from server.core.db import db
from server.core.errors import NotFound
from server.core.tasks import Task
from server.intake.services import unopenable
from server.notices.models import Delivery
from server.settings import Network


class TaskFigures(Collector):
    """Read from the database when asked, so that every process tells the same."""

    def collect(self) -> Iterable[Metric]:
        """Open tasks, those that failed or were given up, the age of the oldest in seconds; what cannot be opened."""
        aside = Task.set_aside_at.is_not(None)
        waiting, failing, set_aside, oldest = db.session.execute(
            sa.select(
                sa.func.count(),
                sa.func.count().filter(Task.error.is_not(None), ~aside),
                sa.func.count().filter(aside),
                sa.func.coalesce(
                    sa.func.extract("epoch", sa.func.now() - sa.func.min(Task.created_at).filter(~aside)), 0
                ),
            ).where(Task.done_at.is_(None))
        ).one()
        yield GaugeMetricFamily("gridwatch_tasks_waiting", "Tasks not done yet", waiting)
        yield GaugeMetricFamily(
            "gridwatch_tasks_failing", "Tasks that failed at least once and are tried again", failing
        )
        yield GaugeMetricFamily(
            "gridwatch_tasks_set_aside", "Tasks given up until a person looks at them", set_aside
        )
        failed = sa.select(sa.func.count()).where(
            Delivery.state == "failed", Delivery.created_at > sa.func.now() - sa.text("interval '7 days'")
        )
        yield GaugeMetricFamily(
            "gridwatch_notices_failed",
            "Notices of the last 7 days that no way would take",
            db.session.scalar(failed),
        )
        yield GaugeMetricFamily("gridwatch_tasks_oldest_seconds", "Age of the oldest task", float(oldest))
        yield GaugeMetricFamily(
            "gridwatch_unopenable",
            "Submissions and media that none of our keys opens; phones still hold them",
            unopenable(db.session()),
        )


def install(app: Flask, networks: tuple[Network, ...]) -> None:
    """Count requests by route and status; answer /metrics to `networks` and 404 to all others."""
    registry = CollectorRegistry()
    requests = Counter("gridwatch_requests", "Requests", ["method", "route", "status"], registry=registry)
    seconds = Histogram("gridwatch_request_seconds", "Time to answer", ["route"], registry=registry)
    told = registry
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:  # one process of several: each counts into a file of its own
        told = CollectorRegistry()
        MultiProcessCollector(told)  # type: ignore[no-untyped-call]
    told.register(TaskFigures())

    @app.after_request
    def count(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "none"
        requests.labels(request.method, route, response.status_code).inc()
        if "began" in g:
            seconds.labels(route).observe(time.perf_counter() - g.began)
        return response

    @app.get("/metrics")
    def metrics() -> Response:
        """Figures for Prometheus"""
        address = ip_address(request.remote_addr or "::")
        if not any(address in network for network in networks):
            raise NotFound
        return Response(generate_latest(told), content_type=CONTENT_TYPE_LATEST)
