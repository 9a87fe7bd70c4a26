"""Looking up enterprises."""

import uuid
from typing import Any

from flask_smorest import Blueprint

from server.core.web import clock, session
from server.enterprises import services
from server.enterprises.rules import BY_AREA, BY_UNIT, DECIDERS
from server.enterprises.schemas import (
    ConflictSchema,
    DecisionSchema,
    DossierSchema,
    EnterpriseSchema,
    EnterprisesQuerySchema,
)
from server.enterprises.services import EnterpriseFacts, OpenConflict
from server.identity.access import require

blueprint = Blueprint(
    "enterprises", __name__, url_prefix="/api/v1/enterprises", description="One file per enterprise"
)


@blueprint.get("")
@blueprint.arguments(EnterprisesQuerySchema, location="query")
@blueprint.response(200, EnterpriseSchema(many=True))
def search(query: dict[str, Any]) -> list[EnterpriseFacts]:
    """Active enterprises in your areas or your town, by words or by distance."""
    actor = require(*BY_AREA, *BY_UNIT)
    near = None if query["lat"] is None else (query["lat"], query["lng"])
    return services.search(session(), actor, query["q"], query["area"], near, query["limit"])


@blueprint.get("/<uuid:enterprise_id>")
@blueprint.response(200, DossierSchema)
def dossier(enterprise_id: uuid.UUID) -> EnterpriseFacts:
    """One enterprise's file; 404 also when it lies outside of your areas."""
    return services.dossier(session(), require(*BY_AREA, *BY_UNIT), enterprise_id)


@blueprint.get("/conflicts")
@blueprint.response(200, ConflictSchema(many=True))
def conflicts() -> list[OpenConflict]:
    """Fields for which there are two values, for whoever chooses."""
    return services.open_conflicts(session(), require(*DECIDERS))


@blueprint.post("/conflicts/<uuid:conflict_id>/decision")
@blueprint.arguments(DecisionSchema)
@blueprint.response(200, ConflictSchema(many=True))
@blueprint.alt_response(409, description="Decided already")
def decide(decision: dict[str, bool], conflict_id: uuid.UUID) -> list[OpenConflict]:
    """Choose one of two values; answers what is left to choose."""
    actor = require(*DECIDERS)
    services.decide(session(), clock(), actor, conflict_id, decision["take"])
    return services.open_conflicts(session(), actor)
