"""Domain errors. `app.py` turns them into application/problem+json (RFC 9457) in one place."""

from typing import Any


class Problem(Exception):
    """Something a person can act on.

    `code` is a stable dotted word which the web apps translate; `detail` is a full sentence that says what to do.
    """

    status = 500
    title = "Something went wrong"

    def __init__(self, code: str, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.extra = extra

    def body(self) -> dict[str, Any]:
        """The problem document, without `instance`."""
        return {
            "type": f"/api/docs#problem-{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            **self.extra,
        }


class Invalid(Problem):
    """The request cannot be understood; `fields` maps a field to its sentence."""

    status = 400
    title = "The request has a fault"


class Unauthenticated(Problem):
    """Nobody is signed in, or no longer."""

    status = 401
    title = "Please sign in"


class Forbidden(Problem):
    """Signed in, but without the right."""

    status = 403
    title = "Not allowed"


class NotFound(Problem):
    """No such thing, or not for this person: the two look alike on purpose."""

    status = 404
    title = "Not found"

    def __init__(self, code: str = "not_found", detail: str = "There is nothing here.", **extra: Any) -> None:
        super().__init__(code, detail, **extra)


class Conflict(Problem):
    """The thing is in a state that does not allow this."""

    status = 409
    title = "Not possible in this state"


class PreconditionFailed(Problem):
    """Somebody else changed it first; `current` carries what it is now."""

    status = 412
    title = "Changed by somebody else"


class TooLarge(Problem):
    """More bytes than are taken."""

    status = 413
    title = "Too large"


class TooMany(Problem):
    """Too many attempts; wait `retry_after` seconds."""

    status = 429
    title = "Too many attempts"


class Unavailable(Problem):
    """A part that is needed does not answer; try again later."""

    status = 503
    title = "Not available for the moment"
