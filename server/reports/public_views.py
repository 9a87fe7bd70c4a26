"""What anybody may read."""

import json
from datetime import timedelta

from flask import Response, request
from flask_smorest import Blueprint

from server.core.web import parts, session
from server.reports.county import county
from server.reports.public_schemas import CountySchema

blueprint = Blueprint("public", __name__, url_prefix="/api/v1", description="What anybody may read")

COUNTY_KEPT = timedelta(minutes=5)


@blueprint.get("/public/county")
@blueprint.response(200, CountySchema)
@blueprint.doc(security=[])
def public_county() -> Response:
    """What the public app needs to know of the county: the same for everybody, so that it may be cached."""
    facts = CountySchema().dump(county(session(), parts().settings))
    response = Response(json.dumps(facts, ensure_ascii=False), content_type="application/json")
    response.cache_control.public = True
    response.cache_control.max_age = int(COUNTY_KEPT.total_seconds())
    response.add_etag()
    return response.make_conditional(request)  # type: ignore[return-value]
