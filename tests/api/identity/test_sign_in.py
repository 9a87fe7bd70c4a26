"""Signing in, staying in and getting out, over HTTP."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import redis
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from flask_jwt_extended import create_access_token
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.test import TestResponse

from server.core.clock import FixedClock
from server.identity.models import Area, Person, RefreshToken, RoleGrant
from server.identity.passwords import hash_password
from server.identity.rules import PER_ADDRESS, PER_LOGIN, Role
from server.identity.services import deactivate

PASSWORD = "a long enough password"
OWN_PAGE = {"X-Gridwatch": "1"}


@pytest.fixture
def session(sessions: sessionmaker[Session]) -> Iterator[Session]:
    """What is committed here the application sees."""
    with sessions() as session:
        yield session


@pytest.fixture
def queue(app: Flask) -> redis.Redis:
    """Where attempts are counted."""
    queue: redis.Redis = app.extensions["parts"].queue
    return queue


@pytest.fixture
def person(session: Session) -> Person:
    """A desk supervisor of one town."""
    area = Area(code="T", name="大武镇", kind="county", path="T")
    person = Person(login="desk1", name="李文华", password_hash=hash_password(PASSWORD))
    session.add_all([area, person])
    session.flush()
    session.add(RoleGrant(person_id=person.id, role=Role.DESK, area_id=area.id))
    session.commit()
    return person


def _sign_in(
    client: FlaskClient, password: str = PASSWORD, login: str = "desk1", address: str = "10.0.0.1"
) -> TestResponse:
    return client.post(
        "/api/v1/auth/sign-in",
        json={"login": login, "password": password},
        environ_base={"REMOTE_ADDR": address},
    )


def _bearer(answer: TestResponse) -> dict[str, str]:
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.get_json()['access_token']}"}


def _refresh(client: FlaskClient) -> TestResponse:
    return client.post("/api/v1/auth/refresh", headers=OWN_PAGE)


def _refresh_cookie(client: FlaskClient) -> str:
    cookie = client.get_cookie("refresh_token_cookie", path="/api/v1/auth")
    assert cookie is not None
    return cookie.value


def _show(client: FlaskClient, refresh_cookie: str) -> None:
    client.set_cookie("refresh_token_cookie", refresh_cookie, path="/api/v1/auth")


def _code(answer: TestResponse) -> tuple[int, str]:
    assert answer.content_type == "application/problem+json"
    return answer.status_code, answer.get_json()["code"]


def _me(client: FlaskClient, headers: dict[str, str]) -> TestResponse:
    return client.get("/api/v1/auth/me", headers=headers)


def test_signing_in_tells_who_one_is_and_leaves_tokens_where_scripts_cannot_read_them(
    client: FlaskClient, person: Person, clock: FixedClock
) -> None:
    answer = _sign_in(client, login=" Desk1 ")
    assert answer.get_json()["person"] == {
        "id": str(person.id),
        "login": "desk1",
        "name": "李文华",
        "grants": [
            {"role": "desk", "area_code": "T", "area_name": "大武镇", "unit_id": None, "unit_name": None}
        ],
    }
    assert answer.get_json()["expires_at"] == (clock.now() + timedelta(minutes=10)).isoformat()
    assert _me(client, _bearer(answer)).get_json() == answer.get_json()["person"]
    cookies = {cookie.split("=")[0]: cookie for cookie in answer.headers.getlist("Set-Cookie")}
    assert all("HttpOnly" in cookie and "SameSite=Strict" in cookie for cookie in cookies.values())
    assert "Path=/api/v1/auth;" in cookies["refresh_token_cookie"] + ";"
    assert "Path=/api/v1/media;" in cookies["access_token_cookie"] + ";"


def test_a_wrong_password_an_unknown_login_and_a_closed_account_look_alike(
    client: FlaskClient, person: Person, session: Session, clock: FixedClock
) -> None:
    wrong = _sign_in(client, password="wrong")
    unknown = _sign_in(client, login="nobody")
    deactivate(session, clock, person)
    session.commit()
    closed = _sign_in(client)
    assert _code(wrong) == (401, "auth.wrong")
    assert wrong.get_json() == unknown.get_json() == closed.get_json()


def test_without_a_sound_token_one_is_asked_to_sign_in(
    client: FlaskClient, person: Person, app: Flask
) -> None:
    answer = _sign_in(client)
    refresh_token = _refresh_cookie(client)
    with app.app_context():
        foreign = create_access_token(
            str(uuid.uuid4()),
            additional_claims={"family": str(uuid.uuid4()), "issued": "2026-01-01T00:00:00+00:00"},
        )
    for header in (
        "",
        "Bearer",
        "Bearer x.y.z",
        f"Bearer {refresh_token}",
        f"Bearer {foreign}",
        "Receipt 00",
    ):
        assert _code(_me(client, {"Authorization": header})) == (401, "auth.sign_in_needed"), header
    tampered = answer.get_json()["access_token"][:-4] + "AAAA"
    assert _code(_me(client, {"Authorization": f"Bearer {tampered}"})) == (401, "auth.sign_in_needed")


def test_a_token_that_ran_out_says_so(
    client: FlaskClient, person: Person, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "JWT_ACCESS_TOKEN_EXPIRES", timedelta(seconds=-1))
    answer = _sign_in(client)
    assert _code(_me(client, _bearer(answer))) == (401, "auth.expired")


def test_the_access_cookie_reads_media_and_nothing_else(client: FlaskClient, person: Person) -> None:
    _sign_in(client)
    assert client.get(f"/api/v1/media/{uuid.uuid4()}/thumb").status_code == 404
    cookie = client.get_cookie("access_token_cookie", path="/api/v1/media")
    assert cookie is not None
    client.set_cookie("access_token_cookie", cookie.value, path="/")
    assert _code(client.get("/api/v1/areas")) == (401, "auth.sign_in_needed")


def test_refreshing_needs_our_own_page_and_gives_new_tokens(client: FlaskClient, person: Person) -> None:
    _sign_in(client)
    first = _refresh_cookie(client)
    assert _code(client.post("/api/v1/auth/refresh")) == (403, "auth.cross_site")
    answer = _refresh(client)
    assert _me(client, _bearer(answer)).status_code == 200
    assert _refresh_cookie(client) != first


def test_a_lost_answer_signs_nobody_out_within_ten_minutes(
    client: FlaskClient, person: Person, clock: FixedClock
) -> None:
    _sign_in(client)
    first = _refresh_cookie(client)
    _refresh(client)
    clock.advance(timedelta(minutes=9, seconds=59))
    _show(client, first)
    assert _me(client, _bearer(_refresh(client))).status_code == 200


def test_later_reuse_ends_the_family_for_both_hands(
    client: FlaskClient, person: Person, clock: FixedClock, session: Session
) -> None:
    _sign_in(client)
    stolen = _refresh_cookie(client)
    mine = _refresh(client)
    second = _refresh_cookie(client)
    clock.advance(timedelta(minutes=10))
    _show(client, stolen)
    assert _code(_refresh(client)) == (401, "auth.sign_in_needed")
    _show(client, second)
    assert _code(_refresh(client)) == (401, "auth.sign_in_needed")
    assert _code(_me(client, _bearer(mine))) == (401, "auth.sign_in_needed")
    assert session.scalar(sa.select(sa.func.count()).where(RefreshToken.ended_at.is_(None))) == 0


def test_a_successor_whose_predecessor_was_used_again_is_replaced_too(
    client: FlaskClient, person: Person, clock: FixedClock
) -> None:
    """A thief who copies the cookie within the ten minutes is found out when the owner comes back."""
    _sign_in(client)
    stolen = _refresh_cookie(client)
    _refresh(client)
    owners = _refresh_cookie(client)
    _show(client, stolen)
    thief = _refresh(client)
    clock.advance(timedelta(minutes=10))
    _show(client, owners)
    assert _code(_refresh(client)) == (401, "auth.sign_in_needed")
    assert _code(_me(client, _bearer(thief))) == (401, "auth.sign_in_needed")


def test_a_session_that_is_not_used_for_thirty_days_runs_out(
    client: FlaskClient, person: Person, clock: FixedClock
) -> None:
    _sign_in(client)
    clock.advance(timedelta(days=30))
    assert _code(_refresh(client)) == (401, "auth.sign_in_needed")


def test_signing_out_ends_this_device_at_once_and_no_other(app: Flask, person: Person) -> None:
    phone, desk = app.test_client(), app.test_client()
    on_phone, on_desk = _bearer(_sign_in(phone)), _bearer(_sign_in(desk))
    kept = _refresh_cookie(phone)
    assert _code(phone.post("/api/v1/auth/sign-out")) == (403, "auth.cross_site")
    assert phone.post("/api/v1/auth/sign-out", headers=OWN_PAGE).status_code == 204
    assert phone.get_cookie("refresh_token_cookie", path="/api/v1/auth") is None
    assert _code(_me(phone, on_phone)) == (401, "auth.sign_in_needed")
    _show(phone, kept)
    assert _code(_refresh(phone)) == (401, "auth.sign_in_needed")
    assert _me(desk, on_desk).status_code == 200
    assert app.test_client().post("/api/v1/auth/sign-out", headers=OWN_PAGE).status_code == 204


def test_signing_out_everywhere_ends_every_device_at_once(app: Flask, person: Person) -> None:
    phone, desk = app.test_client(), app.test_client()
    on_phone, on_desk = _bearer(_sign_in(phone)), _bearer(_sign_in(desk))
    assert phone.post("/api/v1/auth/sign-out-everywhere", headers=on_phone).status_code == 204
    for client, headers in ((phone, on_phone), (desk, on_desk)):
        assert _code(_me(client, headers)) == (401, "auth.sign_in_needed")
        assert _code(_refresh(client)) == (401, "auth.sign_in_needed")
    assert _me(desk, _bearer(_sign_in(desk))).status_code == 200


def test_somebody_deactivated_is_out_at_once(
    client: FlaskClient, person: Person, session: Session, clock: FixedClock
) -> None:
    headers = _bearer(_sign_in(client))
    deactivate(session, clock, person)
    session.commit()
    assert _code(_me(client, headers)) == (401, "auth.sign_in_needed")
    assert _code(_refresh(client)) == (401, "auth.sign_in_needed")


def _guess(client: FlaskClient, times: int, **where: str) -> list[int]:
    return [_sign_in(client, password="wrong", **where).status_code for _ in range(times)]


def test_whoever_guesses_must_wait_and_is_told_how_long(client: FlaskClient, person: Person) -> None:
    assert _guess(client, PER_LOGIN.free + 1) == [401] * (PER_LOGIN.free + 1)
    answer = _sign_in(client)
    assert _code(answer) == (429, "auth.too_many")
    assert 1 <= answer.get_json()["retry_after"] <= PER_LOGIN.first_wait_s
    assert answer.headers["Retry-After"] == str(answer.get_json()["retry_after"])


def test_a_flood_of_guesses_locks_out_neither_the_owner_elsewhere_nor_the_owners_device(
    app: Flask, person: Person, queue: redis.Redis
) -> None:
    device, thief, elsewhere = app.test_client(), app.test_client(), app.test_client()
    _sign_in(device)
    _guess(thief, PER_LOGIN.free + 1)
    assert _sign_in(thief).status_code == 429
    assert _sign_in(elsewhere, address="10.0.0.2").status_code == 200
    assert _sign_in(device).status_code == 200
    _guess(device, PER_LOGIN.free + 1)
    assert _sign_in(device).status_code == 429


def test_a_device_cookie_is_worth_nothing_for_another_login(
    app: Flask, person: Person, session: Session
) -> None:
    session.add(Person(login="other", name="别人", password_hash=hash_password(PASSWORD)))
    session.commit()
    thief = app.test_client()
    _sign_in(thief, login="other")
    _guess(thief, PER_LOGIN.free + 1)
    assert _sign_in(thief).status_code == 429


def test_signing_in_forgets_the_wrong_attempts_before(client: FlaskClient, person: Person) -> None:
    _guess(client, PER_LOGIN.free - 1)
    assert _sign_in(client).status_code == 200
    assert _guess(client, PER_LOGIN.free) == [401] * PER_LOGIN.free


def test_guessing_many_logins_from_one_address_is_slowed_too(
    client: FlaskClient, person: Person, queue: redis.Redis
) -> None:
    answers = [
        _sign_in(client, login=f"nobody{n}", address="10.0.0.9").status_code
        for n in range(PER_ADDRESS.free + 2)
    ]
    assert answers == [401] * (PER_ADDRESS.free + 1) + [429]


def test_the_counters_hold_no_address_and_expire(
    client: FlaskClient, person: Person, queue: redis.Redis
) -> None:
    _guess(client, PER_LOGIN.free + 1, address="203.0.113.77")
    keys = list(queue.scan_iter("sign-in:*"))
    assert len(keys) == 3
    for key in keys:
        assert b"203.0.113.77" not in key
        assert b"desk1" not in key
        assert queue.ttl(key) > 0


def test_with_the_queue_away_people_can_still_sign_in(
    client: FlaskClient, person: Person, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = redis.Redis(port=9, socket_connect_timeout=0.2)
    monkeypatch.setitem(app.extensions, "parts", replace(app.extensions["parts"], queue=nowhere))
    assert _sign_in(client).status_code == 200
    assert _sign_in(client, password="wrong").status_code == 401


@pytest.mark.parametrize(
    "body",
    [{}, {"login": "x"}, {"login": 1, "password": []}, {"login": "x", "password": "y" * 5000}, [], "text"],
)
def test_a_body_that_is_no_sign_in_is_named_field_by_field(
    client: FlaskClient, person: Person, body: Any
) -> None:
    answer = client.post("/api/v1/auth/sign-in", json=body)
    assert answer.status_code in (400, 422)
    assert answer.content_type == "application/problem+json"
