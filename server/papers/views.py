"""Papers of a case, to keep or to print; plain addresses, so that a link opens them."""

import uuid
from urllib.parse import quote

from flask import Response
from flask_smorest import Blueprint

from server.core.web import clock, session
from server.identity.access import current_actor
from server.papers import services
from server.papers.services import Paper

blueprint = Blueprint("papers", __name__, url_prefix="/api/v1/cases", description="Papers of a case")


@blueprint.get("/<uuid:case_id>/sheet.pdf")
@blueprint.response(200, content_type="application/pdf")
def get_sheet(case_id: uuid.UUID) -> Response:
    """转办单, as the unit may read it"""
    return _file(services.transfer_sheet(session(), current_actor(), case_id))


@blueprint.get("/<uuid:case_id>/history.pdf")
@blueprint.response(200, content_type="application/pdf")
def get_history(case_id: uuid.UUID) -> Response:
    """What happened and how long it lay with whom, as far as the reader may see it"""
    return _file(services.history(session(), clock(), current_actor(), case_id))


@blueprint.get("/<uuid:case_id>/letters/<uuid:event_id>.<any(pdf, docx):form>")
@blueprint.response(200, content_type="application/octet-stream")
def get_letter(case_id: uuid.UUID, event_id: uuid.UUID, form: str) -> Response:
    """督办函 that a step of the case issued"""
    return _file(services.letter(session(), current_actor(), case_id, event_id, form))


def _file(paper: Paper) -> Response:
    answer = Response(paper.content, mimetype=paper.mime)
    answer.headers["Content-Disposition"] = f"inline; filename*=UTF-8''{quote(paper.name)}"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
