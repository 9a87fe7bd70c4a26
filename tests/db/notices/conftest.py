"""A push service, an SMS gateway and a mail server of our own, which look at what they are given as real ones do."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import http_ece
import jwt
import pytest
from aiosmtpd.controller import Controller
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy.orm import Session

from server.commands.processes import free_port
from server.core.clock import FixedClock
from server.core.parts import Parts
from tests.factories.county import County, build_county


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Gateway:
    """An HTTP service on loopback: what it was sent, and what it answers."""

    port: int = 0
    answer: int = 201
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serving() -> Iterator[Gateway]:
    gateway = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            gateway.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(gateway.answer)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    gateway.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield gateway
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class Browser:
    """A subscription as PushManager makes it, and the means to read what is sent to it."""

    endpoint: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = b"sixteen bytes ok"

    @property
    def facts(self) -> dict[str, str]:
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        keys = {"p256dh": b64(point), "auth": b64(self.auth)}
        return {"endpoint": self.endpoint, **keys, "lang": "zh-CN"}

    def read(self, gateway: Gateway, server_key: str) -> list[dict[str, Any]]:
        """What arrived for this browser; fails when a message is not signed by the server or not sealed to us."""
        found = []
        for path, headers, body in gateway.requests:
            if not self.endpoint.endswith(path):
                continue
            scheme, _, rest = headers["authorization"].partition(" ")
            told = dict(part.strip().split("=", 1) for part in rest.split(","))
            assert (scheme.lower(), told["k"].rstrip("=")) == ("vapid", server_key)
            public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(told["k"]))
            jwt.decode(told["t"], public, algorithms=["ES256"], audience=gateway.url)
            assert int(headers["ttl"]) > 0
            plain = http_ece.decrypt(body, private_key=self.key, auth_secret=self.auth, version="aes128gcm")
            found.append(json.loads(plain))
        return found


class Letters:
    """What the mail server took."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.taken.append((envelope.rcpt_tos[0], envelope.content.decode()))
        return "250 OK"


@pytest.fixture
def push() -> Iterator[Gateway]:
    with serving() as gateway:
        yield gateway


@pytest.fixture
def sms() -> Iterator[Gateway]:
    with serving() as gateway:
        yield gateway


@pytest.fixture
def letters() -> Iterator[tuple[Letters, int]]:
    handler = Letters()
    port = free_port(None)
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, port
    controller.stop()


@pytest.fixture
def county(parts: Parts, session: Session, clock: FixedClock) -> County:
    return build_county(session, clock, parts)
