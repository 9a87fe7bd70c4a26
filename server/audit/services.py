"""Leave a mark of an act."""

import uuid
from typing import Any, Protocol

from sqlalchemy.orm import Session

from server.audit.models import AuditEntry
from server.core.clock import Clock


class Acting(Protocol):
    """Whoever acts: `identity.rules.Actor` fits, and audit stays below identity."""

    @property
    def person_id(self) -> uuid.UUID | None: ...
    @property
    def name(self) -> str: ...


def record(
    session: Session,
    clock: Clock,
    actor: Acting,
    action: str,
    entity: str,
    entity_id: uuid.UUID,
    **facts: Any,
) -> None:
    """Write one audit row into the transaction of the act itself. `facts` must be JSON."""
    session.add(
        AuditEntry(
            at=clock.now(),
            actor_id=actor.person_id,
            actor_name=actor.name,
            action=action,
            entity=entity,
            entity_id=entity_id,
            facts=facts,
        )
    )
