"""Files mended in the field: merged, or decided by a person; phones of the area hear of it."""

import uuid
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.audit.models import AuditEntry
from server.core.clock import FixedClock
from server.core.errors import Conflict, NotFound
from server.core.parts import Parts
from server.enterprises.models import Enterprise, EnterpriseConflict, EnterpriseEdit
from server.enterprises.rules import Edit, FieldEdit
from server.enterprises.services import apply_edit, decide, open_conflicts, tell_phones
from server.intake.services import streams_of
from sync.changes import Change
from tests.factories.county import County, build_county, enterprise


@pytest.fixture
def county(parts: Parts, session: Session, clock: FixedClock) -> County:
    return build_county(session, clock, parts)


@pytest.fixture
def shop(county: County) -> Enterprise:
    shop = enterprise(county)
    shop.contact_name, shop.contact_phone = "王强", "13800000000"
    county.session.flush()
    return shop


def edit(county: County, shop: Enterprise, login: str = "inspector", **fields: tuple[Any, Any]) -> uuid.UUID:
    told = Edit(shop.id, shop.version, tuple(FieldEdit(name, *two) for name, two in fields.items()), ())
    submission_id = uuid.uuid4()
    apply_edit(county.session, county.clock, county.actor(login), submission_id, county.clock.now(), told)
    county.session.flush()
    return submission_id


def told_to(county: County, shop: Enterprise) -> dict[str, Any]:
    county.session.expire_all()
    rows = county.session.scalars(sa.select(Change).where(Change.key == str(shop.id), ~Change.deleted))
    return {row.stream: row.data for row in rows}


def test_different_fields_of_two_people_merge(county: County, shop: Enterprise) -> None:
    edit(county, shop, contact_phone=("13800000000", "13911111111"))
    edit(county, shop, "desk", contact_name=("王强", "李梅"))
    assert (shop.contact_name, shop.contact_phone, shop.version) == ("李梅", "13911111111", 3)
    assert open_conflicts(county.session, county.actor("desk")) == []


def test_the_same_field_is_a_conflict_that_keeps_both(county: County, shop: Enterprise) -> None:
    edit(county, shop, contact_phone=("13800000000", "13911111111"))
    edit(county, shop, "desk", contact_phone=("13800000000", "13922222222"))
    assert (shop.contact_phone, shop.version) == ("13911111111", 2)
    (found,) = open_conflicts(county.session, county.actor("desk"))
    assert (found.was, found.held, found.wanted) == ("13800000000", "13911111111", "13922222222")
    assert found.sender == county.people["desk"].name
    decide(county.session, county.clock, county.actor("desk"), found.id, take=True)
    assert (shop.contact_phone, shop.version) == ("13922222222", 3)
    assert open_conflicts(county.session, county.actor("desk")) == []
    with pytest.raises(Conflict):
        decide(county.session, county.clock, county.actor("desk"), found.id, take=False)
    county.session.flush()
    history = [
        entry.facts["changed"]
        for entry in county.session.scalars(
            sa.select(AuditEntry).where(AuditEntry.entity_id == shop.id).order_by(AuditEntry.id)
        )
    ]
    assert history == [
        {"contact_phone": ["13800000000", "13911111111"]},
        {},
        {"contact_phone": ["13911111111", "13922222222"]},
    ]
    kept = county.session.get_one(EnterpriseConflict, found.id)
    assert (kept.taken, kept.values["held"]) == (True, "13911111111")


def test_applying_again_changes_nothing(county: County, shop: Enterprise) -> None:
    told = Edit(shop.id, 1, (FieldEdit("active", True, False),), ("uscc",))
    submission_id = uuid.uuid4()
    for _ in range(2):
        apply_edit(
            county.session, county.clock, county.actor("inspector"), submission_id, county.clock.now(), told
        )
    assert (shop.active, shop.version) == (False, 2)
    kept = county.session.get_one(EnterpriseEdit, submission_id)
    assert [one["outcome"] for one in kept.fields] == ["applied", "unreadable"]


def test_who_is_not_of_the_area_only_proposes(county: County, shop: Enterprise) -> None:
    edit(county, shop, "other_desk", address=(shop.address, "别处"))
    assert shop.version == 1
    (found,) = open_conflicts(county.session, county.actor("desk"))
    assert (found.reason, found.wanted) == ("elsewhere", "别处")
    assert open_conflicts(county.session, county.actor("other_desk")) == []
    with pytest.raises(NotFound):
        decide(county.session, county.clock, county.actor("other_desk"), found.id, take=True)
    decide(county.session, county.clock, county.actor("leader"), found.id, take=False)
    assert shop.address != "别处"


def test_phones_of_the_area_hear_of_it(county: County, shop: Enterprise) -> None:
    edit(county, shop, place=({"lat": 34.47, "lng": 100.24}, {"lat": 34.5, "lng": 100.25}))
    told = told_to(county, shop)
    assert set(told) == {f"area:{county.areas[name].id}" for name in ("county", "town", "grid")}
    assert {(line["lat"], line["version"]) for line in told.values()} == {(34.5, 2)}
    followed = streams_of(county.session, county.actor("inspector"))
    assert followed == [f"person:{county.people['inspector'].id}", f"area:{county.areas['grid'].id}"]


def test_an_enterprise_that_moved_leaves_the_phones_of_its_old_grid(county: County, shop: Enterprise) -> None:
    tell_phones(county.session, [shop])
    shop.area_id = county.areas["other_town"].id
    county.session.flush()
    tell_phones(county.session, [shop])
    assert set(told_to(county, shop)) == {
        f"area:{county.areas[name].id}" for name in ("county", "other_town")
    }
