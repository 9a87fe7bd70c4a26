"""The county's own routing rules: seen by the desk, changed by the administrator."""

from typing import Any

from flask_smorest import Blueprint

from server.core.web import clock, session, whole_table
from server.identity.access import require
from server.identity.rules import Role
from server.routing import rule_sets
from server.routing.models import RuleSet
from server.routing.schemas import NewSetSchema, RoutingRuleSchema, RuleSetSchema, TrialSchema

blueprint = Blueprint(
    "routing", __name__, url_prefix="/api/v1/routing", description="The county's own routing rules"
)
SEEN_BY = (Role.DESK, Role.LEADER, Role.ADMIN)


@blueprint.get("/sets")
@blueprint.response(200, RuleSetSchema(many=True))
def sets() -> list[dict[str, Any]]:
    """All versions of the rules, the newest first."""
    require(*SEEN_BY)
    return [_told(rule_set, rules) for rule_set, rules in rule_sets.sets(session())]


@blueprint.post("/sets")
@blueprint.arguments(NewSetSchema)
@blueprint.response(201, RuleSetSchema)
def import_set(given: dict[str, str]) -> dict[str, Any]:
    """Keep a table of rules as a new set that is not in use; with one bad row nothing is kept."""
    actor = require(Role.ADMIN)
    with whole_table("routing.rows"):
        made = rule_sets.import_set(session(), clock(), actor, given["csv"].encode(), given["note"])
    return _told(made, len(rule_sets.rows_of(session(), made.number)))


@blueprint.get("/sets/<int:number>/rules")
@blueprint.response(200, RoutingRuleSchema(many=True))
def rules(number: int) -> list[dict[str, Any]]:
    """The rules of a set in its order."""
    require(*SEEN_BY)
    return rule_sets.rows_of(session(), number)


@blueprint.get("/sets/<int:number>/trial")
@blueprint.response(200, TrialSchema)
def trial(number: int) -> rule_sets.Trial:
    """Which of last month's reports would go elsewhere; nothing is changed."""
    require(*SEEN_BY)
    return rule_sets.try_set(session(), clock(), number)


@blueprint.post("/sets/<int:number>/use")
@blueprint.response(204)
def use(number: int) -> None:
    """Switch the set on; 0 leaves the county without rules of its own."""
    actor = require(Role.ADMIN)
    rule_sets.use_set(session(), clock(), actor, number or None)


def _told(rule_set: RuleSet, rules: int) -> dict[str, Any]:
    names = ("number", "note", "made_at", "used_from", "used_until", "used_by")
    in_use = rule_set.used_from is not None and rule_set.used_until is None
    return {name: getattr(rule_set, name) for name in names} | {"rules": rules, "in_use": in_use}
