"""Who is asking: tokens in, tokens out. For views only."""

import uuid
from datetime import datetime
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, after_this_request, g, request
from flask_jwt_extended import (
    JWTManager,
    create_access_token,
    create_refresh_token,
    set_access_cookies,
    set_refresh_cookies,
    unset_jwt_cookies,
    verify_jwt_in_request,
)
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt.exceptions import ExpiredSignatureError, PyJWTError

from server.core.errors import Forbidden, Unauthenticated
from server.core.web import clock, parts, session
from server.identity import services
from server.identity.models import Person, RefreshToken
from server.identity.rules import ACCESS_LASTS, REFRESH_LASTS, Actor, Role
from server.identity.throttle import DEVICE_KEPT_S, Door

MEDIA_PATH = "/api/v1/media"
AUTH_PATH = "/api/v1/auth"


def init_jwt(app: Flask) -> None:
    """Set up the tokens; the extension `parts` must be there before."""
    settings = app.extensions["parts"].settings
    app.config.update(
        JWT_SECRET_KEY=settings.jwt_secret.get_secret_value(),
        JWT_ACCESS_TOKEN_EXPIRES=ACCESS_LASTS,
        JWT_REFRESH_TOKEN_EXPIRES=REFRESH_LASTS,
        JWT_TOKEN_LOCATION=["headers", "cookies"],
        JWT_ACCESS_COOKIE_PATH=MEDIA_PATH,
        JWT_REFRESH_COOKIE_PATH=AUTH_PATH,
        JWT_COOKIE_SAMESITE="Strict",
        JWT_COOKIE_SECURE=settings.secure_cookies,
        # The access cookie only reads media; what uses the refresh cookie asks for X-Gridwatch (own_page).
        JWT_COOKIE_CSRF_PROTECT=False,
        JWT_ENCODE_ISSUER="gridwatch",
        JWT_DECODE_ISSUER="gridwatch",
    )
    JWTManager(app)


def optional_actor() -> Actor | None:
    """Who is signed in, or None without any token. A token that is void is an error, not a stranger: 401."""
    if "actor" not in g:
        g.actor = _actor()
    return g.actor  # type: ignore[no-any-return]


def current_actor() -> Actor:
    """Who is signed in; 401 otherwise."""
    actor = optional_actor()
    if actor is None:
        raise sign_in_needed()
    return actor


def require(*roles: Role) -> Actor:
    """Who is signed in and holds one of the roles somewhere; 401 or 403 otherwise."""
    actor = current_actor()
    if not any(actor.has(role) for role in roles):
        raise Forbidden("auth.not_allowed", "Your roles do not include this.")
    return actor


def own_page() -> None:
    """Refuse what another site's page could send with our cookie: it cannot set this header."""
    if request.headers.get("X-Gridwatch") != "1":
        raise Forbidden("auth.cross_site", "Send the header X-Gridwatch: 1.")


def door(login: str) -> Door:
    """The counters of this attempt to sign in."""
    secret = parts().settings.jwt_secret.get_secret_value()
    return Door(parts().queue, secret, login, request.remote_addr, request.cookies)


def refresh_claims() -> tuple[uuid.UUID, uuid.UUID] | None:
    """Token and family of the refresh cookie; None without one that we issued and that has not run out."""
    try:
        claims = _verified(["cookies"], refresh=True)
    except Unauthenticated:
        return None
    return (uuid.UUID(claims["jti"]), uuid.UUID(claims["family"])) if claims else None


def hand_over(token: RefreshToken) -> dict[str, Any]:
    """The answer to a sign-in or refresh; its cookies go with the response."""
    now, family, person_id = clock().now(), str(token.family), str(token.person_id)
    access = create_access_token(person_id, additional_claims={"family": family, "issued": now.isoformat()})
    refresh = create_refresh_token(person_id, additional_claims={"family": family, "jti": str(token.jti)})

    @after_this_request
    def cookies(response: Response) -> Response:
        if response.status_code == HTTPStatus.OK:  # not when the commit failed
            set_access_cookies(response, access, max_age=int(ACCESS_LASTS.total_seconds()))
            set_refresh_cookies(response, refresh, max_age=int(REFRESH_LASTS.total_seconds()))
        return response

    person = session().get_one(Person, token.person_id)
    facts = services.facts_of(session(), person)
    return {"access_token": access, "expires_at": now + ACCESS_LASTS, "person": facts}


def remember_device(door: Door) -> None:
    """Let this device have its own counter from now on."""

    @after_this_request
    def cookie(response: Response) -> Response:
        if response.status_code == HTTPStatus.OK:
            response.set_cookie(
                door.device_cookie_name,
                door.device_cookie(),
                max_age=DEVICE_KEPT_S,
                path=AUTH_PATH,
                secure=parts().settings.secure_cookies,
                httponly=True,
                samesite="Strict",
            )
        return response


def forget_tokens() -> None:
    """Take the cookies back with the response."""

    @after_this_request
    def cookies(response: Response) -> Response:
        unset_jwt_cookies(response)
        return response


def _actor() -> Actor | None:
    media = request.path.startswith(MEDIA_PATH + "/") and request.method in ("GET", "HEAD")
    claims = _verified(["headers", "cookies"] if media else ["headers"])
    if claims is None:
        return None
    person_id, issued = uuid.UUID(claims["sub"]), datetime.fromisoformat(claims["issued"])
    if not services.session_lives(session(), person_id, uuid.UUID(claims["family"]), issued):
        raise sign_in_needed()
    return services.actor_of(session(), person_id)


def _verified(locations: list[str], refresh: bool = False) -> dict[str, Any] | None:
    try:
        verified = verify_jwt_in_request(optional=True, refresh=refresh, locations=locations)
    except ExpiredSignatureError as error:
        raise Unauthenticated("auth.expired", "The access token has run out: refresh it.") from error
    except (JWTExtendedException, PyJWTError) as error:
        raise sign_in_needed() from error
    return verified[1] if verified else None


def sign_in_needed() -> Unauthenticated:
    """The answer to whoever is not signed in, or no longer."""
    return Unauthenticated("auth.sign_in_needed", "Sign in to go on.")
