"""The OpenAPI document and the apps read the same table."""

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin

from server.cases.rules import STEPS, State, Step
from server.cases.schemas import AllowedStepSchema, CaseSheetSchema, TakeStepSchema


def properties(schema: type) -> dict[str, dict[str, object]]:
    spec = APISpec("x", "1", "3.1.0", plugins=[MarshmallowPlugin()])
    spec.components.schema("Asked", schema=schema)
    found: dict[str, dict[str, object]] = spec.to_dict()["components"]["schemas"]["Asked"]["properties"]
    return found


def test_steps_and_states_of_the_document_are_those_of_the_table() -> None:
    assert properties(TakeStepSchema)["step"]["enum"] == [row.step.value for row in STEPS] == list(Step)
    assert properties(CaseSheetSchema)["state"]["enum"] == list(State)


def test_every_row_of_the_table_can_be_told_to_an_app() -> None:
    for row in STEPS:
        told = AllowedStepSchema().dump({"step": row.step, "fields": row.fields})
        assert told["step"] == row.step.value
        assert [field["name"] for field in told["fields"]] == [field.name for field in row.fields]
