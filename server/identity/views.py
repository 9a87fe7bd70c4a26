"""Sign-in, areas and units."""

from flask import current_app
from flask.typing import ResponseReturnValue
from flask_smorest import Blueprint

from server.core.errors import TooMany, Unauthenticated
from server.core.web import clock, session
from server.identity import access, services
from server.identity.models import Area, Person, Unit
from server.identity.schemas import (
    AreaSchema,
    AreasQuerySchema,
    OwnPageSchema,
    PersonSchema,
    SessionSchema,
    SignInSchema,
    UnitSchema,
)
from server.identity.services import PersonFacts

blueprint = Blueprint(
    "identity", __name__, url_prefix="/api/v1", description="Sign-in, people, areas and units"
)


@blueprint.post("/auth/sign-in")
@blueprint.arguments(SignInSchema)
@blueprint.response(200, SessionSchema)
def sign_in(credentials: dict[str, str]) -> dict[str, object]:
    """Begin a session on this device."""
    login = services.tidy_login(credentials["login"])
    door = access.door(login)
    if wait := door.knock():
        raise TooMany("auth.too_many", f"Too many attempts. Try again in {wait} s.", retry_after=wait)
    person = services.check_password(session(), login, credentials["password"])
    if person is None:
        raise Unauthenticated("auth.wrong", "Login or password is wrong.")
    door.opened()
    access.remember_device(door)
    return access.hand_over(services.begin_session(session(), clock(), person))


@blueprint.post("/auth/refresh")
@blueprint.arguments(OwnPageSchema, location="headers")
@blueprint.response(200, SessionSchema)
def refresh(_: dict[str, str]) -> dict[str, object] | ResponseReturnValue:
    """Exchange the refresh cookie for a new one and a new access token."""
    access.own_page()
    shown = access.refresh_claims()
    successor = services.rotate(session(), clock(), shown[0]) if shown else None
    if successor is None:
        access.forget_tokens()
        # Answered, not raised: that a family ended because of reuse must be committed.
        return current_app.handle_user_exception(access.sign_in_needed())
    return access.hand_over(successor)


@blueprint.post("/auth/sign-out")
@blueprint.arguments(OwnPageSchema, location="headers")
@blueprint.response(204)
def sign_out(_: dict[str, str]) -> None:
    """End the session on this device; also when it has ended already."""
    access.own_page()
    if shown := access.refresh_claims():
        services.end_family(session(), clock(), shown[1])
    access.forget_tokens()


@blueprint.post("/auth/sign-out-everywhere")
@blueprint.response(204)
def sign_out_everywhere() -> None:
    """End all sessions of this person on all devices, at once."""
    person = session().get_one(Person, access.current_actor().person_id)
    services.end_all_sessions(session(), clock(), person)
    access.forget_tokens()


@blueprint.get("/auth/me")
@blueprint.response(200, PersonSchema)
def me() -> PersonFacts:
    """Who is signed in."""
    person = session().get_one(Person, access.current_actor().person_id)
    return services.facts_of(session(), person)


@blueprint.get("/areas")
@blueprint.arguments(AreasQuerySchema, location="query")
@blueprint.response(200, AreaSchema(many=True))
def areas(query: dict[str, bool]) -> list[Area] | ResponseReturnValue:
    """The tree of areas, each after its parent."""
    access.current_actor()
    found = services.areas(session())
    return found if query["polygons"] else AreaSchema(many=True, exclude=["polygon"]).dump(found)


@blueprint.get("/units")
@blueprint.response(200, UnitSchema(many=True))
def units() -> list[Unit]:
    """All units that may answer for a matter."""
    access.current_actor()
    return services.units(session())
