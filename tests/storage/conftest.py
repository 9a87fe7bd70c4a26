"""A database and a bucket of their own on the running stack, so that sweeping touches nobody else's rows."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from storage.blobs import BlobStore
from storage.uploads import StorageBase, UploadStore

if TYPE_CHECKING:
    from tests.conftest import Services

NOW = datetime.now(UTC)
PIECE_SIZE = 64 * 1024
"""Small pieces, so that small bodies already have several."""


@pytest.fixture(scope="session")
def blobs(stack: "Services") -> BlobStore:
    bucket = f"storage-{uuid.uuid4().hex[:12]}"
    store = BlobStore(stack.s3_endpoint, stack.s3_access_key, stack.s3_secret_key, bucket)
    store.ensure_bucket()
    return store


@pytest.fixture(scope="session")
def sessions(stack: "Services") -> Iterator[sessionmaker[Session]]:
    name = f"storage_{uuid.uuid4().hex[:12]}"
    server = sa.create_engine(stack.database_url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    engine = sa.create_engine(server.url.set(database=name), pool_size=20)
    StorageBase.metadata.create_all(engine)
    yield sessionmaker(engine)
    engine.dispose()
    with server.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(scope="session")
def uploads(sessions: sessionmaker[Session], blobs: BlobStore) -> UploadStore:
    return UploadStore(sessions, blobs, piece_size=PIECE_SIZE)
