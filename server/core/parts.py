"""The adapters of a running process, built once in wiring.py."""

from dataclasses import dataclass

import redis
import sqlalchemy as sa

from server.core.bell import Bell
from server.core.senders import Senders
from server.settings import Settings
from storage.blobs import BlobStore
from storage.sealing import Keyring
from storage.uploads import UploadStore
from sync.signing import SigningKeys


@dataclass(frozen=True)
class Parts:
    """What is outside of the process: settings, object store, keys, queue and its bell, database."""

    settings: Settings
    engine: sa.Engine
    blobs: BlobStore
    uploads: UploadStore
    keyring: Keyring
    signing: SigningKeys
    queue: redis.Redis
    bell: Bell
    senders: Senders
