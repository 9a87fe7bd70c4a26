"""Counters per sender's network that keep no address: a keyed hash, whose key is gone after a day."""

import hashlib
import hmac
import ipaddress
import secrets
import time
from dataclasses import dataclass

import redis
import structlog

SALT_KEPT_S = 24 * 3600
SALT_KEY = "senders:salt"
LOOK_AGAIN_S = 60

log = structlog.get_logger()


@dataclass(frozen=True)
class Allowance:
    """At most so much of something in so many seconds."""

    name: str
    most: int
    seconds: int


class Senders:
    """What each network has used of its allowances. Lost counters keep nobody out."""

    def __init__(self, queue: redis.Redis) -> None:
        self._queue = queue
        self._salt = b""
        self._salt_seen = float("-inf")

    def use(self, address: str | None, *uses: tuple[Allowance, int]) -> int:
        """Count what a sender uses; 0 when all of it is within the allowances, else the seconds to wait."""
        try:
            network = network_of(address)
            keys = [self._key(allowance, network) for allowance, _ in uses]
            pipe = self._queue.pipeline(transaction=False)
            for key, (_, amount) in zip(keys, uses, strict=True):
                pipe.incrby(key, amount)
            waits = [0]
            for key, (allowance, amount), used in zip(keys, uses, pipe.execute(), strict=True):
                if used == amount:
                    self._queue.expire(key, allowance.seconds)
                if used > allowance.most:
                    waits.append(self._wait_s(key, allowance))
            return max(waits)
        except redis.RedisError:
            log.warning("senders.not_counted")
            return 0

    def _wait_s(self, key: str, allowance: Allowance) -> int:
        left = int(str(self._queue.ttl(key)))
        if left < 0:  # whoever was to set the end died before
            self._queue.expire(key, allowance.seconds)
        return max(1, left)

    def _key(self, allowance: Allowance, network: str) -> str:
        if time.monotonic() - self._salt_seen > LOOK_AGAIN_S:
            fresh = secrets.token_hex(32).encode()
            kept = self._queue.set(SALT_KEY, fresh, nx=True, get=True, ex=SALT_KEPT_S)
            self._salt, self._salt_seen = kept if isinstance(kept, bytes) else fresh, time.monotonic()
        keyed = hmac.new(self._salt, f"{allowance.name}\0{network}".encode(), hashlib.sha256)
        return f"senders:{allowance.name}:{keyed.hexdigest()[:32]}"


def network_of(address: str | None) -> str:
    """An IPv6 client owns a whole /64 and could change its address for each attempt."""
    try:
        ip = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    return str(ipaddress.ip_network((ip, 64), strict=False)) if ip.version == 6 else str(ip)
