"""So that a flood of sealed garbage fills neither the queue nor the store. 429 only delays (PROTOCOL.md §3)."""

from server.core.errors import TooMany
from server.core.parts import Parts
from server.core.senders import Allowance

SUBMISSIONS_S = 600
BYTES_S = 3600


def count_submission(parts: Parts, address: str | None, size: int) -> None:
    """Count an envelope of `size` bytes from somebody who is not signed in. Raises TooMany."""
    flood = parts.settings.flood
    submissions = Allowance("submissions", flood.submissions, SUBMISSIONS_S)
    _wait(parts.senders.use(address, (submissions, 1), (_stored(parts), size)))


def count_medium(parts: Parts, address: str | None, size: int) -> None:
    """Count a medium of `size` bytes that somebody who is not signed in begins to send. Raises TooMany."""
    _wait(parts.senders.use(address, (_stored(parts), size)))


def _stored(parts: Parts) -> Allowance:
    return Allowance("bytes", parts.settings.flood.bytes, BYTES_S)


def _wait(seconds: int) -> None:
    if seconds:
        raise TooMany(
            "intake.too_many",
            "Much has come from your network just now; it is taken a little later.",
            retry_after=seconds,
        )
