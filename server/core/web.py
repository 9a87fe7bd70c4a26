"""What views need of the request; nothing below views.py imports this."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from flask import Response, current_app, request
from sqlalchemy.orm import Session

from server.core.clock import Clock
from server.core.db import db
from server.core.errors import Invalid, Problem
from server.core.parts import Parts
from server.core.tables import BadTable


class PreconditionRequired(Problem):
    """A change of a shared record must say which version it saw."""

    status = 428
    title = "Which version did you see?"


def session() -> Session:
    """The session of this request; committed once, by the application, after the view."""
    return cast(Session, db.session)


def clock() -> Clock:
    """The clock of this application."""
    return cast(Clock, current_app.extensions["clock"])


def parts() -> Parts:
    """The adapters of this application."""
    return cast(Parts, current_app.extensions["parts"])


def if_match() -> int:
    """The version the sender saw, from `If-Match: "7"`. Raises 428 when it is missing or no version."""
    version = request.headers.get("If-Match", "").removeprefix("W/").strip('"')
    if not version.isdecimal():
        raise PreconditionRequired(
            "version_required", 'Send the version you saw as If-Match: "7"; it is the ETag of your last read.'
        )
    return int(version)


def set_etag(response: Response, version: int) -> Response:
    """Tell the version of what is answered."""
    response.headers["ETag"] = f'"{version}"'
    return response


@contextmanager
def whole_table(code: str) -> Iterator[None]:
    """Turns BadTable into Invalid with all bad rows, as people mend them: [{line, code, params, reason}]."""
    try:
        yield
    except BadTable as bad:
        rows = [dataclasses.asdict(fault) for fault in bad.faults]
        raise Invalid(code, "Nothing was kept: some rows are wrong.", rows=rows) from bad
