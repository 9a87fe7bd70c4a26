"""What is written from the code into the repository: the OpenAPI document and the page of the workflow."""

import json
import tempfile
from pathlib import Path

import click

from server.settings import ROOT, Environment, load_settings

DOCUMENT = ROOT / "pwa" / "src" / "api" / "openapi.json"
WORKFLOW = ROOT / "docs" / "workflow.md"


@click.command()
def openapi() -> None:
    """Write the OpenAPI document to pwa/src/api/openapi.json."""
    DOCUMENT.write_text(_document())
    click.echo(f"wrote {DOCUMENT.relative_to(ROOT)}; now run `npm run api` in pwa/")


@click.command()
def docs() -> None:
    """Write docs/workflow.md from the table of steps of a case."""
    from server.cases.workflow_page import render_workflow

    WORKFLOW.write_text(render_workflow(), "utf-8")
    click.echo(f"wrote {WORKFLOW.relative_to(ROOT)}")


@click.command("check-openapi")
def check_openapi() -> None:
    """Fail when the document in the repository is not what the server says."""
    if not DOCUMENT.exists() or DOCUMENT.read_text() != _document():
        raise click.ClickException(
            f"{DOCUMENT.relative_to(ROOT)} is out of date: run ./manage.py openapi, then `npm run api` in pwa/"
        )


def _document() -> str:
    """What GET /api/v1/openapi.json answers; building the application connects to nothing."""
    from server.app import create_app

    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(
            environment=Environment.TEST,
            database_url="postgresql+psycopg://nobody@127.0.0.1:1/none",
            redis_url="redis://127.0.0.1:1/0",
            s3_endpoint="127.0.0.1:1",
            s3_access_key="none",
            s3_secret_key="none",  # noqa: S106 - never used
            keys_dir=Path(folder),
        )
        answer = create_app(settings).test_client().get("/api/v1/openapi.json")
    if answer.status_code != 200 or answer.json is None:
        raise click.ClickException(f"the server answers {answer.status}")
    return json.dumps(answer.json, ensure_ascii=False, indent=2) + "\n"
