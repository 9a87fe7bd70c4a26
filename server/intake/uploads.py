"""`/uploads`: the thin Flask side of storage/tus.py. Public; whoever knows an upload's random id may go on
with it.
"""

import json
from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, Response, request
from werkzeug.exceptions import ClientDisconnected

from server.core.errors import Problem
from storage.blobs import Reader
from storage.tus import VERSION, Refused, TusRequest, TusServer
from storage.uploads import BodyCut


class UploadProblem(Problem):
    """A refusal of the upload protocol; the status is the one that tus wants."""

    title = "The upload cannot go on like this"

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.code, refused.detail)
        self.status = refused.status


class _Body:
    """The request's body: tells a sender who went away as BodyCut, so that what came before counts."""

    def __init__(self, stream: Reader) -> None:
        self._stream = stream

    def read(self, size: int, /) -> bytes:
        try:
            return self._stream.read(size)
        except ClientDisconnected as error:
            raise BodyCut from error


def build_blueprint(tus: Callable[[], TusServer], now: Callable[[], datetime]) -> Blueprint:
    """The routes below where the blueprint is registered; both arguments are called within a request."""
    blueprint = Blueprint("uploads", __name__)

    def answer(upload_id: str | None = None) -> Response:
        # Bytes are read one piece at a time and counted against the manifest, not against Flask's limit.
        request.max_content_length = None
        collection = request.path.removesuffix("/")
        if upload_id is not None:
            collection = collection.removesuffix(f"/{upload_id}")
        asked = TusRequest(
            request.method, upload_id, collection, request.headers, _Body(request.stream), now()
        )
        try:
            given = tus().answer(asked)
        except Refused as refused:
            # Answered here and not in app.py: what tus tells about a refusal is in its headers.
            body = json.dumps(UploadProblem(refused).body())
            return Response(body, refused.status, refused.headers, content_type="application/problem+json")
        return Response(status=given.status, headers=given.headers)

    methods = ["OPTIONS", "POST", "HEAD", "PATCH", "DELETE", "GET"]
    for rule, endpoint in (("", "collection"), ("/<upload_id>", "upload")):
        blueprint.add_url_rule(
            rule, endpoint, answer, methods=methods, provide_automatic_options=False, strict_slashes=False
        )

    @blueprint.after_request
    def _version(response: Response) -> Response:
        response.headers.setdefault("Tus-Resumable", VERSION)
        return response

    return blueprint
