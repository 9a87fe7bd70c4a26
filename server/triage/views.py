"""Judging pairs of reports, and the tables that triage works with."""

import uuid
from typing import Any

from flask_smorest import Blueprint

from server.core.db import Facts
from server.core.web import clock, session
from server.identity.access import current_actor, require
from server.identity.models import Unit
from server.identity.rules import Role
from server.triage import costs, services
from server.triage.models import DuplicateSuggestion, HazardType
from server.triage.schemas import (
    AllCostsSchema,
    CostsSchema,
    HazardTypeSchema,
    JudgementSchema,
    SectorSchema,
    SuggestionSchema,
)
from server.triage.sector_words import CROSS_CUTTING

EVERY_TOWN = "各乡镇党委、政府"

blueprint = Blueprint(
    "triage", __name__, url_prefix="/api/v1", description="Duplicates, sectors, hazard types"
)


@blueprint.post("/suggestions/<uuid:suggestion_id>/judgement")
@blueprint.arguments(JudgementSchema)
@blueprint.response(200, SuggestionSchema)
def judge(judgement: dict[str, Any], suggestion_id: uuid.UUID) -> DuplicateSuggestion:
    """Say whether both reports tell of one matter. Kept for ever; saying it again changes nothing."""
    actor = require(Role.DESK)
    return services.judge(session(), clock(), actor, suggestion_id, judgement["same"])


@blueprint.get("/sectors")
@blueprint.response(200, SectorSchema(many=True))
def sectors() -> list[dict[str, Any]]:
    """The county's table of sectors with lead and responsible units."""
    current_actor()
    return [
        {
            "no": sector.no,
            "title": sector.title,
            "cross_cutting": sector.no in CROSS_CUTTING,
            "lead": _unit(lead),
            "units": [_unit(unit) for _, unit in units],
        }
        for sector, lead, units in services.sectors(session())
    ]


@blueprint.get("/hazard-types")
@blueprint.response(200, HazardTypeSchema(many=True))
def hazard_types() -> list[HazardType]:
    """All kinds of hazards: the likeliest first, then by sector."""
    current_actor()
    return services.hazard_types(session())


@blueprint.get("/triage/costs")
@blueprint.response(200, AllCostsSchema)
def get_costs() -> Facts:
    """What mistakes about duplicates cost, and from which likeness on two reports are shown or joined"""
    require(Role.DESK, Role.LEADER, Role.ADMIN)
    return costs.all_costs(session())


@blueprint.put("/triage/costs/<area_code>")
@blueprint.arguments(CostsSchema)
@blueprint.response(200, AllCostsSchema)
def put_costs(told: Facts, area_code: str) -> Facts:
    """Say what mistakes cost in an area; reports that come from now on go by it"""
    return costs.set_costs(session(), clock(), require(Role.ADMIN), area_code, told)


@blueprint.delete("/triage/costs/<area_code>")
@blueprint.response(200, AllCostsSchema)
def delete_costs(area_code: str) -> Facts:
    """Let an area go by what the area above it says"""
    return costs.set_costs(session(), clock(), require(Role.ADMIN), area_code, None)


def _unit(unit: Unit | None) -> dict[str, Any]:
    if unit is None:
        return {"id": None, "name": EVERY_TOWN, "by_place": True, "enforces": False}
    return {"id": unit.id, "name": unit.name, "by_place": False, "enforces": unit.enforces}
