"""Around the rooms: health with reasons, figures for few, logs without reporters, a page of the API."""

import dataclasses
import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from server import logs
from server.app import Gridwatch
from server.core.parts import Parts
from server.settings import Settings
from storage.blobs import BlobStore
from tests.factories.phone import Phone, tip_body

if TYPE_CHECKING:
    from tests.conftest import Services


def test_health_names_what_is_not_well(app: Gridwatch, client: FlaskClient, parts: Parts) -> None:
    well = client.get("/healthz").get_json()
    assert well["database"] == {"ok": True, "reason": None}
    away = BlobStore("127.0.0.1:9", "somebody", "secret", "nowhere", False)
    app.extensions["parts"] = dataclasses.replace(parts, blobs=away)
    try:
        answer = client.get("/healthz")
    finally:
        app.extensions["parts"] = parts
    assert answer.status_code == 503
    assert answer.get_json()["objects"] == {"ok": False, "reason": "the object store does not answer"}


def test_figures_are_for_staff_networks_only(client: FlaskClient) -> None:
    near = client.get("/metrics")
    assert near.status_code == 200
    assert "gridwatch_tasks_waiting" in near.text
    far = client.get("/metrics", environ_base={"REMOTE_ADDR": "203.0.113.9"})
    assert far.status_code == 404


def test_logs_carry_the_request_and_nothing_of_the_reporter(
    client: FlaskClient, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(production=True)
    phone, tip = Phone(client), uuid.uuid4()
    agent = {"User-Agent": "OldPhone/1.0", "X-Forwarded-For": "203.0.113.7"}
    answer = phone.put(tip, phone.envelope(tip_body(text="秘密的话")), **agent)
    said = capsys.readouterr().err
    logs.configure(production=False)
    assert all(json.loads(line)["event"] for line in said.splitlines())
    assert answer.headers["X-Request-Id"] in said
    assert "/api/v1/submissions/<uuid:submission_id>" in said
    for secret in (str(tip), "OldPhone", "203.0.113.7", "127.0.0.1", "秘密"):
        assert secret not in said


def test_the_api_describes_itself_without_outside_resources(client: FlaskClient) -> None:
    document = client.get("/api/v1/openapi.json").get_json()
    assert document["openapi"].startswith("3.1")
    page = client.get("/api/docs").text
    for path in document["paths"]:
        assert path in page
    assert "http://" not in page
    assert "https://" not in page


def test_an_error_nobody_foresaw_is_a_problem_too(
    app: Gridwatch, client: FlaskClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(app.view_functions, "intake.keys", broken)
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    answer = client.get("/api/v1/keys")
    assert (answer.status_code, answer.content_type) == (500, "application/problem+json")
    assert answer.get_json()["code"] == "bug"


@pytest.mark.parametrize("path", ["/staff/desk/new", "/tip/progress"])
def test_addresses_within_an_app_answer_its_page(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", ["/tip/assets/gone-123.js", "/staff/sw-old.js", "/tip/x.png"])
def test_a_file_that_is_gone_is_not_answered_with_a_page(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


ASK_IN_A_PROCESS = """
import sys
from server.app import create_app
client = create_app().test_client()
print(client.get(sys.argv[1]).text)
"""


def test_figures_are_those_of_all_web_processes(
    settings: Settings, engine: sa.Engine, stack: "Services", tmp_path: Path
) -> None:
    environ = stack.environ | {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "KEYS_DIR": str(settings.keys_dir),
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),
    }

    def ask(path: str) -> str:
        command = [sys.executable, "-c", ASK_IN_A_PROCESS, path]
        return subprocess.run(
            command, env=os.environ | environ, capture_output=True, text=True, check=True
        ).stdout

    ask("/api/v1/keys")
    ask("/api/v1/keys")
    counted = 'gridwatch_requests_total{method="GET",route="/api/v1/keys",status="200"} 2.0'
    assert counted in ask("/metrics")
