"""What people at desks read: queues, cases, pictures; and steps, as their answer is the case that was read.

Steps are taken in cases/; the view is here because a case page tells of every room below.
"""

import uuid
from typing import cast

from flask import Response, jsonify, redirect, request
from flask_smorest import Blueprint

from server.cases import rules
from server.cases.schemas import TakeStepSchema
from server.cases.services import facts_of, lock_case, take_step
from server.core.db import Facts
from server.core.errors import NotFound, PreconditionFailed
from server.core.web import clock, if_match, parts, session, set_etag
from server.identity.access import current_actor, require
from server.identity.rules import Role
from server.reports import batch, enterprise, media, queues, saved_views
from server.reports.case_page import case_page, page_of
from server.reports.rules import Filters
from server.reports.schemas import (
    CasePageSchema,
    CaseQuerySchema,
    CaseRowsSchema,
    EnterpriseCaseSchema,
    QueuesSchema,
    SavedViewSchema,
    SavedViewsSchema,
    TakenStepsSchema,
    TakeStepsSchema,
)

blueprint = Blueprint("reports", __name__, url_prefix="/api/v1", description="Queues, cases and pictures")

READERS = (Role.DESK, Role.LEADER)
IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "description": "The version that was seen; not asked of a step that only adds",
    "schema": {"type": "string"},
}


@blueprint.get("/desk/queues")
@blueprint.response(200, QueuesSchema)
def get_queues() -> Facts:
    """How much lies in each queue"""
    return {"queues": queues.counts(session(), clock(), require(*READERS))}


@blueprint.get("/desk/cases")
@blueprint.arguments(CaseQuerySchema, location="query")
@blueprint.response(200, CaseRowsSchema)
def get_cases(query: Facts) -> Facts:
    """A page of a queue, most pressing first; without a queue of all cases, newest first"""
    actor = require(*READERS)
    queue, after, limit = (query.pop(name) for name in ("queue", "after", "limit"))
    return queues.page(session(), clock(), actor, queue, Filters(**query), after, limit)


@blueprint.get("/desk/views")
@blueprint.response(200, SavedViewsSchema)
def get_views() -> Facts:
    """One's own saved views and the shared ones"""
    return {"views": saved_views.of(session(), require(*READERS))}


@blueprint.post("/desk/views")
@blueprint.arguments(SavedViewSchema)
@blueprint.response(201, SavedViewSchema)
def post_view(view: Facts) -> Facts:
    """Keep a view"""
    return saved_views.keep(session(), clock(), require(*READERS), **view)


@blueprint.delete("/desk/views/<uuid:view_id>")
@blueprint.response(204)
def delete_view(view_id: uuid.UUID) -> None:
    """Remove one of one's own views"""
    saved_views.remove(session(), require(*READERS), view_id)


@blueprint.get("/enterprises/<uuid:enterprise_id>/cases")
@blueprint.response(200, EnterpriseCaseSchema(many=True))
def get_enterprise_cases(enterprise_id: uuid.UUID) -> list[Facts]:
    """The newest matters of an enterprise, and which of them came again after they were closed"""
    return enterprise.cases_of(session(), require(*READERS), enterprise_id)


@blueprint.get("/cases/<uuid:case_id>")
@blueprint.response(200, CasePageSchema)
def get_case(case_id: uuid.UUID) -> Response:
    """One case, as far as the reader may see it; its ETag is the version"""
    return _answer(case_page(session(), current_actor(), case_id))


@blueprint.post("/cases/<uuid:case_id>/steps")
@blueprint.doc(parameters=[IF_MATCH])
@blueprint.arguments(TakeStepSchema)
@blueprint.response(200, CasePageSchema)
@blueprint.alt_response(403, description="The step is for somebody else")
@blueprint.alt_response(409, description="The state does not allow it")
@blueprint.alt_response(412, description="Somebody else was first; `current` is the case now")
def post_step(taken: Facts, case_id: uuid.UUID) -> Response:
    """Take one of the steps that the case lists under `steps`"""
    actor = current_actor()
    version = None if rules.BY_STEP[taken["step"]].appends else if_match()
    # Who hands a case on may lose sight of it; the answer is what was in sight when the step was taken.
    seen = rules.sight(facts_of(session(), lock_case(session(), case_id)), actor)
    if seen is None:
        raise NotFound()
    try:
        case = take_step(session(), clock(), actor, case_id, taken["step"], taken["fields_"], version)
    except PreconditionFailed as problem:
        problem.extra["current"] = CasePageSchema().dump(case_page(session(), actor, case_id))
        raise
    return _answer(page_of(session(), actor, case, facts_of(session(), case), seen))


@blueprint.post("/cases/steps")
@blueprint.arguments(TakeStepsSchema)
@blueprint.response(200, TakenStepsSchema)
def post_steps(asked: Facts) -> Facts:
    """Take one step, which needs no fields, for many cases: those that changed meanwhile are left as they are"""
    return {"cases": batch.take_steps(session(), clock(), current_actor(), asked["step"], asked["cases"])}


@blueprint.get("/media/<uuid:medium_id>/<any(thumb, preview, clean):size>")
@blueprint.response(200, content_type="application/octet-stream")
@blueprint.alt_response(206, description="The range asked for")
@blueprint.alt_response(302, description="Where the object store is open to browsers")
@blueprint.alt_response(416, description="No such range")
def get_medium(medium_id: uuid.UUID, size: str) -> Response:
    """The bytes of a photo, video or voice; Range is understood"""
    key = media.key_of(session(), current_actor(), medium_id, media.Size(size))
    if link := parts().blobs.link(key):
        return cast(Response, redirect(link))
    return media.stream(parts().blobs, key, request.headers.get("Range"), request.headers.get("If-Range"))


def _answer(page: Facts) -> Response:
    return set_etag(jsonify(CasePageSchema().dump(page)), page["version"])
