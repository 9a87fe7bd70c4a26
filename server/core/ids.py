"""Keys that the server gives. Public ids are chosen by phones and are UUIDv4."""

import uuid

import uuid_utils.compat


def new_id() -> uuid.UUID:
    """A UUIDv7: sorts by time of creation, so that indexes grow at one end."""
    return uuid_utils.compat.uuid7()
