"""Waiting for what has to come."""

import time
from collections.abc import Callable

from tests.faults.ground import GIVE_UP_S, Ground, NotAtRest


def until(ready: Callable[[], bool], running: Ground) -> None:
    """Return once `ready`. Raises NotAtRest where it never comes."""
    give_up = time.monotonic() + GIVE_UP_S
    while not ready():
        if time.monotonic() > give_up:
            raise NotAtRest(f"{ready.__qualname__}; open: {running.open_tasks()}")
        time.sleep(0.05)
