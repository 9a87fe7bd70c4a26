"""A Gridwatch that may be killed, once for all fault tests of a run; phones and photos for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.ground import Ground, build_phone, ground
from tests.faults.photos import draw_photos


@pytest.fixture(scope="session")
def running() -> Iterator[Ground]:
    """On services of its own: those of the other tests must not die with them."""
    with ground() as one:
        yield one


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program of a phone."""
    return build_phone(tmp_path_factory.mktemp("phone"))


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """JPEGs of several sizes."""
    return draw_photos(tmp_path_factory.mktemp("photos"))
