"""How long a failed task waits."""

from datetime import timedelta

from server.core.tasks import LONGEST_RETRY, next_try


def test_each_failure_doubles_the_wait_up_to_ten_minutes() -> None:
    waits = [next_try(attempts) for attempts in range(1, 12)]
    assert waits[0] == timedelta(seconds=4)
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_RETRY == next_try(10_000)
