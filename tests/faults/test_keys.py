"""The key drill (PROTOCOL.md §2): rotations and losses while phones hold what they have not sent."""

import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from server.intake.models import Report
from storage.sealing import Keyring, Purpose
from sync.signing import SigningKeys
from tests.faults.ground import Ground, Job, Phone, until_content
from tests.faults.proxy import Proxy, Trouble
from tests.faults.wait import until

pytestmark = pytest.mark.faults

Held = Callable[[], tuple[Phone, Proxy]]


@pytest.fixture
def keys(running: Ground, tmp_path: Path) -> Iterator[Path]:
    """The folder of the keys; what the drill did to it is undone afterwards."""
    folder = Path(running.environ["KEYS_DIR"])
    kept = tmp_path / "kept"
    shutil.copytree(folder, kept)
    yield folder
    shutil.rmtree(folder)
    shutil.copytree(kept, folder)
    running.restart("web")


@pytest.fixture
def held(
    running: Ground, program: Path, photos: list[Path], tmp_path: Path, request: pytest.FixtureRequest
) -> Held:
    """A phone that has the keys of now, sealed a report with a photo to them, and has had no link since."""

    def offline() -> tuple[Phone, Proxy]:
        proxy = Proxy(
            running.port,
            lambda exchange: None if exchange.path.endswith("/keys") else Trouble("cut_up", at=-10),
        )
        proxy.__enter__()
        request.addfinalizer(lambda: proxy.__exit__())
        tip = Job(f"{uuid.uuid4()} 钥匙", photos[:1])
        phone = Phone(program, tmp_path / uuid.uuid4().hex, f"{proxy.base}/api/v1", [tip])
        request.addfinalizer(phone.kill)
        phone.start()
        until(lambda: phone.promised == {"0"} and len(phone.items) == 1, running)
        return phone, proxy

    return offline


def back_online(proxy: Proxy) -> None:
    proxy.decide = lambda _: None


def test_what_was_sealed_before_rotations_arrives_and_is_believed_after_them(
    running: Ground, held: Held, keys: Path
) -> None:
    phone, proxy = held()
    for _ in range(2):  # a phone may miss a key in between
        SigningKeys(keys).rotate()
        Keyring(keys).rotate(Purpose.INTAKE)
    running.restart("web")
    back_online(proxy)
    until_content(running, [phone])
    with Session(running.parts.engine) as session:
        assert session.query(Report).filter_by(text=phone.texts["0"]).one()


def test_the_newest_signing_key_is_lost_and_the_one_before_goes_on(
    running: Ground, held: Held, keys: Path
) -> None:
    """Phones trusted the one before as well, so the chain grows again from there."""
    SigningKeys(keys).rotate()
    running.restart("web")
    phone, proxy = held()
    sorted(keys.glob("signing-*.json"))[-1].unlink()
    SigningKeys(keys).rotate()  # another key in its place, vouched for by the one before
    running.restart("web")
    back_online(proxy)
    until_content(running, [phone])


def test_all_signing_keys_are_lost_and_phones_keep_everything(
    running: Ground, held: Held, keys: Path
) -> None:
    phone, proxy = held()
    saved = {path: path.read_bytes() for path in keys.glob("signing-*.json")}
    for path in saved:
        path.unlink()
    SigningKeys(keys).create()
    running.restart("web")
    back_online(proxy)

    def heard_and_not_believed() -> bool:
        phone.wake()
        answered = [e for e in proxy.log if e.method == "PUT" and e.status in (200, 201)]
        return len(answered) >= 3

    until(heard_and_not_believed, running)
    assert [item["state"] for item in phone.items] != ["complete"]
    assert phone.thinks["envelopes"] == 1
    assert phone.thinks["media"] == 1
    # They turn up in the safe after all: what the phone kept is believed at last, and arrived once.
    for path, content in saved.items():
        path.write_bytes(content)
    running.restart("web")
    until_content(running, [phone])
    with Session(running.parts.engine) as session:
        assert session.query(Report).filter_by(text=phone.texts["0"]).count() == 1


def test_the_intake_key_is_lost_and_what_cannot_be_opened_stays_on_the_phone(
    running: Ground, held: Held, keys: Path
) -> None:
    phone, proxy = held()
    for path in keys.glob("intake.*"):
        path.unlink()
    Keyring(keys).create_missing()
    back_online(proxy)

    def told() -> bool:
        phone.wake()
        running.let_time_pass()
        return bool(phone.items[0]["state"] == "needs_attention")

    until(told, running)
    assert phone.items[0]["attention"]["reason"] == "unopenable"
    assert (phone.thinks["envelopes"], phone.thinks["media"]) == (1, 1)
