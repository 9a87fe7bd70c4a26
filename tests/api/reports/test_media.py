"""GET /media/{id}/{size}: the bytes, and who gets them."""

import dataclasses
import uuid
from collections.abc import Callable

import httpx
import pytest
from flask.testing import FlaskClient

from server.app import Gridwatch
from server.cases.models import CaseEvent
from server.cases.rules import Step
from server.core.parts import Parts
from server.settings import Settings
from storage.blobs import BlobStore
from tests.factories.county import County

SignedIn = Callable[[str], dict[str, str]]
BYTES = bytes(range(256)) * 40


@pytest.fixture
def photo(office: County) -> str:
    """The address of a photo in a case that lies with the fire unit."""
    report = office.report()
    medium = office.photo(report.submission_id, BYTES)
    office.case("transferred", report)
    office.session.commit()
    return f"/api/v1/media/{medium.id}/clean"


@pytest.mark.parametrize("size", ["thumb", "preview", "clean"])
def test_the_whole_is_sent_to_be_shown_and_kept_by_the_browser_alone(
    client: FlaskClient, signed_in: SignedIn, photo: str, size: str
) -> None:
    answer = client.get(photo.replace("clean", size), headers=signed_in("desk"))
    assert (answer.status_code, answer.data) == (200, BYTES)
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Content-Disposition"] == "inline"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"].startswith("private")
    assert answer.headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-99", 0, 99),
        ("bytes=100-", 100, 10239),
        ("bytes=-40", 10200, 10239),
        ("bytes=10000-99999", 10000, 10239),
    ],
)
def test_a_range_is_sent_in_part(
    client: FlaskClient, signed_in: SignedIn, photo: str, asked: str, start: int, end: int
) -> None:
    answer = client.get(photo, headers=signed_in("desk") | {"Range": asked})
    assert (answer.status_code, answer.data) == (206, BYTES[start : end + 1])
    assert answer.headers["Content-Range"] == f"bytes {start}-{end}/{len(BYTES)}"
    assert answer.headers["Content-Length"] == str(end - start + 1)


def test_a_range_beyond_the_end_is_told(client: FlaskClient, signed_in: SignedIn, photo: str) -> None:
    answer = client.get(photo, headers=signed_in("desk") | {"Range": "bytes=99999-"})
    assert (answer.status_code, answer.json["size"]) == (416, len(BYTES))


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "lines=1-2", "bytes=z", "bytes=5-1"])
def test_a_range_that_is_not_understood_gets_the_whole(
    client: FlaskClient, signed_in: SignedIn, photo: str, asked: str
) -> None:
    answer = client.get(photo, headers=signed_in("desk") | {"Range": asked})
    assert (answer.status_code, answer.data) == (200, BYTES)


def test_a_range_of_another_version_gets_the_whole(
    client: FlaskClient, signed_in: SignedIn, photo: str
) -> None:
    desk = signed_in("desk")
    etag = client.get(photo, headers=desk).headers["ETag"]
    asked = desk | {"Range": "bytes=0-1"}
    assert client.get(photo, headers=asked | {"If-Range": etag}).status_code == 206
    assert client.get(photo, headers=asked | {"If-Range": '"other"'}).status_code == 200


def test_only_who_sees_the_case_sees_its_pictures(
    client: FlaskClient, signed_in: SignedIn, photo: str
) -> None:
    for login in ("desk", "leader", "fire1", "fire2"):
        assert client.get(photo, headers=signed_in(login)).status_code == 200, login
    unknown = photo.replace(photo.split("/")[4], str(uuid.uuid4()))
    for login in ("industry", "inspector", "other_desk", "reward", "admin"):
        headers = signed_in(login)
        refused = client.get(photo, headers=headers)
        assert (refused.status_code, refused.json) == (404, client.get(unknown, headers=headers).json), login
    assert client.get(photo).status_code == 401


def test_evidence_of_a_step_is_seen_with_the_case(
    client: FlaskClient, office: County, signed_in: SignedIn
) -> None:
    case = office.case("rectifying")
    event = office.session.query(CaseEvent).filter_by(case_id=case.id, step=Step.VERIFY).one()
    event.submission_id = uuid.uuid4()
    medium = office.photo(event.submission_id, BYTES)
    office.session.commit()
    address = f"/api/v1/media/{medium.id}/thumb"
    assert client.get(address, headers=signed_in("fire2")).data == BYTES
    assert client.get(address, headers=signed_in("industry")).status_code == 404


def test_what_is_not_fit_to_be_shown_is_not_there(
    client: FlaskClient, office: County, signed_in: SignedIn
) -> None:
    report = office.report()
    medium = office.photo(report.submission_id)
    lost = f"/api/v1/media/{medium.id}/clean"
    office.case(report=report)
    office.session.commit()
    desk = signed_in("desk")
    assert client.get(lost, headers=desk).status_code == 404  # the store does not have it
    medium.state = "set_aside"
    office.session.commit()
    assert client.get(lost, headers=desk).status_code == 404
    assert client.get(f"/api/v1/media/{medium.id}/sealed", headers=desk).status_code == 404


def test_with_a_store_that_is_open_to_browsers_a_short_lived_link_is_given(
    app: Gridwatch, client: FlaskClient, signed_in: SignedIn, parts: Parts, settings: Settings, photo: str
) -> None:
    secret = settings.s3_secret_key.get_secret_value()
    store = BlobStore(
        settings.s3_endpoint,
        settings.s3_access_key,
        secret,
        settings.s3_bucket,
        public_endpoint=f"http://{settings.s3_endpoint}",
    )
    app.extensions["parts"] = dataclasses.replace(parts, blobs=store)
    try:
        answer = client.get(photo, headers=signed_in("desk"))
        stranger = client.get(photo, headers=signed_in("other_inspector"))
    finally:
        app.extensions["parts"] = parts
    assert answer.status_code == 302
    assert httpx.get(answer.headers["Location"]).content == BYTES
    assert "X-Amz-Expires=300" in answer.headers["Location"]
    assert stranger.status_code == 404
