"""Slows down whoever guesses passwords, without letting anybody lock somebody else out.

Strangers are counted by (login, network address) and, slower, by address; a device that signed in to this
login before shows a signed cookie and has a counter of its own. So a flood of wrong passwords for a login
stops neither its owner at another address nor the owner's own device. Attempts are counted before the
password is looked at, so that a thousand at once get no further than a few one after the other.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping

import redis
import structlog
from itsdangerous import BadData, URLSafeTimedSerializer

from server.core.senders import network_of
from server.identity.rules import PER_ADDRESS, PER_LOGIN, Pace

COUNT_KEPT_S = 24 * 3600
DEVICE_KEPT_S = 365 * 24 * 3600

log = structlog.get_logger(__name__)


class Door:
    """One sign-in attempt's counters. The address is kept nowhere but in a keyed hash that expires."""

    def __init__(
        self, queue: redis.Redis, secret: str, login: str, address: str | None, cookies: Mapping[str, str]
    ) -> None:
        self._queue = queue
        self._secret = secret.encode()
        self._login = login
        self._signer = URLSafeTimedSerializer(secret, salt="gridwatch device")
        self.device_cookie_name = f"device_{self._keyed(login)[:12]}"
        """One cookie per login, so that people who share a phone each have their own."""
        self._device = self._known_device(cookies.get(self.device_cookie_name, ""))
        if self._device:
            self._counters = {f"sign-in:device:{self._keyed(login, self._device)}": PER_LOGIN}
        else:
            network = network_of(address)
            self._counters = {
                f"sign-in:login:{self._keyed(login, network)}": PER_LOGIN,
                f"sign-in:address:{self._keyed(network)}": PER_ADDRESS,
            }

    def knock(self) -> int:
        """Count this attempt; 0 when its password may be looked at, else the seconds to wait."""
        try:
            waiting = max(self._seconds_left(counter) for counter in self._counters)
            return waiting or max(self._count(counter, pace) for counter, pace in self._counters.items())
        except redis.RedisError:
            # Counters gone must not mean that nobody in the county can work: argon2 alone slows guessing.
            log.warning("sign-in attempts are not counted: the queue does not answer")
            return 0

    def opened(self) -> None:
        """The password was right: forget this login's attempts, and take this one back from the address."""
        try:
            pipe = self._queue.pipeline()
            for counter, pace in self._counters.items():
                pipe.delete(_wait_of(counter))
                if pace is PER_ADDRESS:
                    pipe.decr(counter)
                else:
                    pipe.delete(counter)
            pipe.execute()
        except redis.RedisError:
            log.warning("sign-in attempts are not forgotten: the queue does not answer")

    def device_cookie(self) -> str:
        """The value to leave on a device that just signed in."""
        return str(self._signer.dumps([self._login, self._device or secrets.token_hex(16)]))

    def _seconds_left(self, counter: str) -> int:
        return max(0, self._queue.ttl(_wait_of(counter)))  # -2 says that there is no such key

    def _count(self, counter: str, pace: Pace) -> int:
        pipe = self._queue.pipeline()
        pipe.incr(counter)
        pipe.expire(counter, COUNT_KEPT_S)
        wait = pace.wait_s(pipe.execute()[0])
        taken = wait > 0 and not self._queue.set(_wait_of(counter), 1, ex=wait, nx=True)
        return wait if taken else 0  # taken: another attempt of the same moment has the turn

    def _known_device(self, cookie: str) -> str | None:
        try:
            login, device = self._signer.loads(cookie, max_age=DEVICE_KEPT_S)
        except (BadData, ValueError, TypeError):
            return None
        return str(device) if login == self._login else None

    def _keyed(self, *values: str) -> str:
        return hmac.new(self._secret, "\0".join(values).encode(), hashlib.sha256).hexdigest()


def _wait_of(counter: str) -> str:
    return f"{counter}:wait"
