"""Slows down whoever tries receipt codes, or tries out what a reporter may have written.

A code has 94 bits, so this spares the database, not the codes. Only codes that open nothing are counted, so that a
village behind one address reads its answers undisturbed.
"""

import hashlib
import hmac
import secrets
import uuid

import redis
import structlog

MISSES = 30
WINDOW_S = 600
SALT_KEPT_S = 24 * 3600
SALT_KEY = "receipt:salt"
LOOKS = 60
"""How often a person has a text compared with a reporter's words, per case and day: enough to write a reply."""
LOOKS_WINDOW_S = 24 * 3600

log = structlog.get_logger()


class ReceiptDoor:
    """The misses of one address, which is kept nowhere but in a keyed hash that expires in ten minutes."""

    def __init__(self, queue: redis.Redis, address: str | None) -> None:
        self._queue = queue
        self._address = address or ""

    def wait_s(self) -> int:
        """0 when a code may be tried, else the seconds to wait. Lost counters keep nobody out."""
        try:
            key = self._key()
            misses = self._queue.get(key)
            return max(1, int(str(self._queue.ttl(key)))) if int(misses or 0) >= MISSES else 0
        except redis.RedisError:
            log.warning("receipt.not_counted")
            return 0

    def missed(self) -> None:
        """Count a code that opened nothing."""
        try:
            key = self._key()
            pipe = self._queue.pipeline()
            pipe.incr(key)
            pipe.expire(key, WINDOW_S, nx=True)
            pipe.execute()
        except redis.RedisError:
            log.warning("receipt.not_counted")

    def _key(self) -> str:
        fresh = secrets.token_hex(32).encode()
        kept = self._queue.set(SALT_KEY, fresh, nx=True, get=True, ex=SALT_KEPT_S)
        keyed = hmac.new(kept if isinstance(kept, bytes) else fresh, self._address.encode(), hashlib.sha256)
        return f"receipt:misses:{keyed.hexdigest()[:32]}"


def may_compare(queue: redis.Redis, person_id: uuid.UUID | None, case_id: uuid.UUID) -> bool:
    """Whether this person may have another text compared with what was reported in this case; counts it.

    Without the counter nothing is compared: the comparison at the step itself remains.
    """
    key = f"preview:{person_id}:{case_id}"
    try:
        pipe = queue.pipeline()
        pipe.incr(key)
        pipe.expire(key, LOOKS_WINDOW_S, nx=True)
        return int(pipe.execute()[0]) <= LOOKS
    except redis.RedisError:
        log.warning("preview.not_counted")
        return False
