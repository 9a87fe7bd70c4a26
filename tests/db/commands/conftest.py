"""./manage.py on the test's own database."""

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from server.app import Gridwatch
from server.commands.cli import cli
from server.settings import Settings

Run = Callable[..., Result]


@pytest.fixture
def run(app: Gridwatch, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command as an operator does; what it commits is gone after the test."""
    secrets = {"database_url": settings.database_url, "redis_url": settings.redis_url}
    secrets |= {"s3_secret_key": settings.s3_secret_key, "jwt_secret": settings.jwt_secret}
    given = {name: value.get_secret_value() for name, value in secrets.items()}
    given |= {"s3_endpoint": settings.s3_endpoint, "s3_access_key": settings.s3_access_key}
    for name, value in given.items():
        monkeypatch.setenv(name.upper(), value)
    return lambda *words: CliRunner().invoke(cli, [str(word) for word in words])
