"""The inbox's marks, and browsers to be woken. The inbox itself is in GET /changes, so that phones have it offline."""

from flask_smorest import Blueprint

from server.core.db import Facts
from server.core.web import clock, parts, session
from server.identity.access import current_actor
from server.notices import services
from server.notices.schemas import BrowserGoneSchema, BrowserSchema, ReadSchema

blueprint = Blueprint("notices", __name__, url_prefix="/api/v1", description="Notices to people")


@blueprint.post("/notices/read")
@blueprint.arguments(ReadSchema)
@blueprint.response(204)
def post_read(read: Facts) -> None:
    """Mark own notices as read; others and unknown ones are passed over"""
    person_id = current_actor().person_id
    assert person_id is not None  # who is signed in is a person
    services.mark_read(session(), clock(), person_id, read["ids"])


@blueprint.put("/notices/browser")
@blueprint.arguments(BrowserSchema)
@blueprint.response(204)
@blueprint.alt_response(400, description="Not one of the push services that this server calls")
def put_browser(browser: Facts) -> None:
    """Wake this browser when there is something new for me"""
    person_id = current_actor().person_id
    services.subscribe(session(), clock(), parts().settings, browser, person_id=person_id)


@blueprint.delete("/notices/browser")
@blueprint.arguments(BrowserGoneSchema)
@blueprint.response(204)
def delete_browser(browser: Facts) -> None:
    """Wake this browser no more"""
    services.unsubscribe(session(), browser["endpoint"], person_id=current_actor().person_id)
