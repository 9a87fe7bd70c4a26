"""What anybody may know of the county: areas, kinds of hazards, whom to call, how much may be sent."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.identity.models import Area
from server.identity.services import areas
from server.notices.vapid import public_key
from server.settings import Limits, Phone, Settings
from server.triage.models import HazardType


@dataclass(frozen=True)
class Tiles:
    """Where the map's pictures come from."""

    url: str
    attribution: str


@dataclass(frozen=True)
class HazardChoice:
    """A kind of hazard to choose; `chip`: among the few that are shown at once."""

    code: str
    name: str
    name_en: str
    chip: bool


@dataclass(frozen=True)
class Ways:
    """By which ways people can be told that there is news; `push_key` is what a browser subscribes with."""

    sms: bool
    mail: bool
    push: bool
    push_key: str | None


@dataclass(frozen=True)
class County:
    """The public page's facts. Without any boundary stored, centre and bounds are None."""

    name: str
    center: tuple[float, float] | None
    bounds: tuple[float, float, float, float] | None
    areas: list[Area]
    hazard_types: list[HazardChoice]
    phones: tuple[Phone, ...]
    tiles: Tiles | None
    limits: Limits
    notices: Ways


def county(session: Session, settings: Settings) -> County:
    """The county as its public sees it."""
    tree = areas(session)
    bounds = _bounds(tree)
    return County(
        name=settings.county_name,
        center=bounds and ((bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2),
        bounds=bounds,
        areas=tree,
        hazard_types=_hazard_types(session),
        phones=settings.county_phones,
        tiles=Tiles(settings.tiles_url, settings.tiles_attribution) if settings.tiles_url else None,
        limits=settings.limits,
        notices=_ways(settings),
    )


def _ways(settings: Settings) -> Ways:
    """A way without its gateway is not offered."""
    key = public_key(settings.keys_dir)
    return Ways(settings.sms is not None, settings.mail is not None, key is not None, key)


def _bounds(tree: list[Area]) -> tuple[float, float, float, float] | None:
    boxes = [(a.min_lng, a.min_lat, a.max_lng, a.max_lat) for a in tree if a.polygon]
    if not boxes:
        return None
    west, south, east, north = zip(*boxes, strict=True)
    return min(west), min(south), max(east), max(north)


def _hazard_types(session: Session) -> list[HazardChoice]:
    """Chips in their order, then the others by sector."""
    order = (HazardType.chip_order.nulls_last(), HazardType.sector_no, HazardType.code)
    kinds = session.scalars(sa.select(HazardType).order_by(*order))
    return [HazardChoice(kind.code, kind.name, kind.name_en, kind.chip_order is not None) for kind in kinds]
