"""A flood of sealed garbage waits; nobody else does, and no address is kept."""

import dataclasses
import hashlib
import uuid
from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient

from server.app import Gridwatch
from server.core.parts import Parts
from server.settings import Flood
from tests.factories.phone import Phone, tip_body

FAR = {"REMOTE_ADDR": "203.0.113.9"}
Allow = Callable[[Flood], None]


@pytest.fixture
def allow(app: Gridwatch, parts: Parts) -> Iterator[Allow]:
    """Other limits than a county's."""

    def set_to(flood: Flood) -> None:
        settings = parts.settings.model_copy(update={"flood": flood})
        app.extensions["parts"] = dataclasses.replace(parts, settings=settings)

    yield set_to
    app.extensions["parts"] = parts


def test_the_fourth_of_three_waits_and_only_from_that_network(
    client: FlaskClient, parts: Parts, allow: Allow
) -> None:
    allow(Flood(submissions=3))
    phone = Phone(client)
    client.environ_base |= FAR
    sent = [phone.put(uuid.uuid4(), phone.envelope(tip_body())) for _ in range(4)]
    assert [answer.status_code for answer in sent] == [201, 201, 201, 429]
    assert sent[3].get_json()["code"] == "intake.too_many"
    assert 0 < int(sent[3].headers["Retry-After"]) <= 600
    assert not any(b"203.0.113" in key for key in parts.queue.keys())  # noqa: SIM118 - of Redis
    assert all(parts.queue.ttl(key) > 0 for key in parts.queue.keys("senders:*"))
    client.environ_base["REMOTE_ADDR"] = "203.0.113.10"
    assert phone.put(uuid.uuid4(), phone.envelope(tip_body())).status_code == 201


def test_a_whole_ipv6_network_counts_as_one(client: FlaskClient, allow: Allow) -> None:
    allow(Flood(submissions=1))
    phone = Phone(client)
    for address, status in (("2001:db8::1", 201), ("2001:db8::2", 429), ("2001:db8:0:1::1", 201)):
        client.environ_base["REMOTE_ADDR"] = address
        assert phone.put(uuid.uuid4(), phone.envelope(tip_body())).status_code == status


def test_bytes_are_counted_as_they_are_declared_and_once(client: FlaskClient, allow: Allow) -> None:
    phone = Phone(client)
    first, second = (phone.seal(bytes(1000) + seed) for seed in (b"1", b"2"))
    tip = uuid.uuid4()
    raw = phone.envelope(tip_body(), [first, second])
    allow(Flood(bytes=len(raw) + len(first)))
    assert phone.put(tip, raw).status_code == 201
    phone.upload(tip, first)
    sha256 = hashlib.sha256(first).hexdigest()
    assert phone.status(tip)["media"][0] == {"sha256": sha256, "state": "stored", "offset": len(first)}
    with pytest.raises(AssertionError, match=r"intake\.too_many"):
        phone.upload(tip, second)
    assert phone.status(tip)["media"][1]["offset"] == 0
