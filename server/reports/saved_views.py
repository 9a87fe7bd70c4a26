"""Views that people keep: a queue with filters under a name, for themselves or for everybody at the desk."""

import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.core.clock import Clock
from server.core.db import Facts
from server.core.errors import NotFound
from server.identity.rules import Actor
from server.reports.models import SavedView


def of(session: Session, actor: Actor) -> list[Facts]:
    """One's own and the shared ones, by name."""
    seen = sa.or_(SavedView.owner_id == actor.person_id, SavedView.shared)
    views = session.scalars(sa.select(SavedView).where(seen).order_by(SavedView.name, SavedView.id))
    return [_facts(view, actor) for view in views]


def keep(session: Session, clock: Clock, actor: Actor, name: str, shared: bool, query: Facts) -> Facts:
    """Keep a view; of the query only what was chosen."""
    chosen = {key: str(value) for key, value in query.items() if value}
    view = SavedView(
        owner_id=actor.person_id, name=name.strip(), shared=shared, query=chosen, created_at=clock.now()
    )
    session.add(view)
    session.flush()
    return _facts(view, actor)


def remove(session: Session, actor: Actor, view_id: uuid.UUID) -> None:
    """Remove one's own view. Raises NotFound for anybody else's."""
    view = session.get(SavedView, view_id)
    if view is None or view.owner_id != actor.person_id:
        raise NotFound()
    session.delete(view)


def _facts(view: SavedView, actor: Actor) -> Facts:
    mine = view.owner_id == actor.person_id
    return {"id": view.id, "name": view.name, "shared": view.shared, "query": view.query, "mine": mine}
