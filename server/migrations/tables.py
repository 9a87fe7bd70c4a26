"""All tables of the one database: the rooms', the offline protocol's and the uploads'."""

import importlib
import importlib.util
import pkgutil
from typing import Any

import server
import storage.uploads
import sync.changes
import sync.ledger
from server.core.db import Base

for _room in pkgutil.iter_modules(server.__path__, "server."):
    if _room.ispkg and importlib.util.find_spec(f"{_room.name}.models"):
        importlib.import_module(f"{_room.name}.models")
for _table in ("server.core.tasks", "server.core.calendar_table"):
    importlib.import_module(_table)

TABLES = [Base.metadata, sync.ledger.metadata, storage.uploads.StorageBase.metadata]

_OURS = {table for metadata in TABLES for table in metadata.tables}


def belongs_to_us(name: str | None, kind: str, _parents: Any) -> bool:
    """Tables of extensions and of Alembic itself are no part of the comparison."""
    return kind != "table" or name in _OURS
