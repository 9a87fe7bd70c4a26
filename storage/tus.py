"""tus 1.0 (tus.io/protocols/resumable-upload), without a web framework: a request's parts in, status and
headers out.

Core with creation, creation-with-upload, checksum (sha1, sha256), termination and expiration. What differs
from a plain tus server: the metadata `submission` and `sha256` are required, the same creation sent again
leads to the same upload and tells how far it is, and other metadata is not kept (file names give people
away).
"""

import base64
import binascii
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Protocol

from sqlalchemy.orm import Session

from storage.blobs import Reader, StoreUnavailable
from storage.uploads import (
    CHECKSUMS,
    Checksum,
    ChecksumMismatch,
    LengthDiffers,
    NotYours,
    OffsetConflict,
    OnReceived,
    TooManyBytes,
    UploadMissing,
    UploadStatus,
    UploadStore,
)

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,checksum,termination,expiration"
BODY_TYPE = "application/offset+octet-stream"
CHECKSUM_MISMATCH = 460
"""The status that tus invented for a body that differs from its checksum."""


class Headers(Protocol):
    """Request headers; names in any case."""

    def get(self, name: str, /) -> str | None: ...


@dataclass(frozen=True)
class Answer:
    """Status and headers; the body is empty."""

    status: int
    headers: dict[str, str]


class Refused(Exception):
    """The request cannot be met; `code` is a stable dotted word, `detail` a sentence for a person."""

    def __init__(self, status: int, code: str, detail: str, **headers: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = {"Tus-Resumable": VERSION, "Cache-Control": "no-store"}
        self.headers |= {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass(frozen=True)
class TusRequest:
    """One request; `upload_id` is None at the place where uploads are made, whose path is `collection`."""

    method: str
    upload_id: str | None
    collection: str
    headers: Headers
    body: Reader
    now: datetime

    @property
    def content_length(self) -> int | None:
        """Bytes of the body as announced; None when the body ends where it ends (chunked)."""
        if self.headers.get("Transfer-Encoding"):
            return None
        return self.number("Content-Length", 0)

    def number(self, name: str, default: int | None = None) -> int:
        """A header that holds a count of bytes. Raises Refused 400."""
        text = self.headers.get(name)
        if text is None and default is not None:
            return default
        if text is None or not re.fullmatch(r"[0-9]{1,15}", text):
            raise Refused(400, "upload.header", f"The header {name} must be a whole number.")
        return int(text)


MayUpload = Callable[[Session, uuid.UUID, str, int], None]
"""(session, submission, sha256, length) → nothing, or raises what its own side understands."""


@dataclass(frozen=True)
class TusServer:
    """Answers tus requests on an UploadStore; `max_size` is in bytes."""

    uploads: UploadStore
    max_size: int
    may_upload: MayUpload
    on_received: OnReceived
    _methods: dict[str, Callable[[TusRequest], Answer]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._methods.update(HEAD=self._head, PATCH=self._patch, DELETE=self._delete, POST=self._post)

    def answer(self, request: TusRequest) -> Answer:
        """The answer to one request. Raises Refused, and what `may_upload` and `on_received` raise."""
        method = request.method
        if method == "POST":  # for networks that let nothing else through
            method = (request.headers.get("X-HTTP-Method-Override") or method).upper()
        if method == "OPTIONS":
            return self._options()
        if request.headers.get("Tus-Resumable") != VERSION:
            raise Refused(412, "upload.version", f"Only tus {VERSION} is spoken here.", Tus_Version=VERSION)
        if method not in self._methods or (method == "POST") != (request.upload_id is None):
            raise Refused(405, "upload.method", f"{method} is not possible here.")
        try:
            return self._methods[method](request)
        except UploadMissing as error:
            raise Refused(404, "upload.missing", "There is no such upload; make it anew.") from error
        except OffsetConflict as error:
            raise Refused(
                409, "upload.offset", f"Go on at byte {error.offset}.", Upload_Offset=str(error.offset)
            ) from error
        except LengthDiffers as error:
            raise Refused(409, "upload.length", f"The length differs: {error}.") from error
        except TooManyBytes as error:
            raise Refused(413, "upload.too_many_bytes", f"More than was declared: {error}.") from error
        except ChecksumMismatch as error:
            raise Refused(CHECKSUM_MISMATCH, "upload.checksum", f"Send this part again: {error}.") from error
        except NotYours as error:
            raise Refused(
                403, "upload.received", "It is received in full and cannot be taken back."
            ) from error
        except StoreUnavailable as error:
            raise Refused(
                503, "upload.store", "Storage does not answer; try again later.", Retry_After="5"
            ) from error

    def _options(self) -> Answer:
        return Answer(
            204,
            {
                "Tus-Resumable": VERSION,
                "Tus-Version": VERSION,
                "Tus-Extension": EXTENSIONS,
                "Tus-Checksum-Algorithm": ",".join(CHECKSUMS),
                "Tus-Max-Size": str(self.max_size),
            },
        )

    def _head(self, request: TusRequest) -> Answer:
        status = self.uploads.status(_upload_id(request), request.now)
        metadata = {"submission": str(status.owner), "sha256": status.sha256}
        told = ",".join(
            f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in metadata.items()
        )
        return Answer(200, _progress(status) | {"Upload-Length": str(status.length), "Upload-Metadata": told})

    def _post(self, request: TusRequest) -> Answer:
        if request.headers.get("Upload-Defer-Length") is not None:
            raise Refused(400, "upload.header", "The length must be told at once, as Upload-Length.")
        length = request.number("Upload-Length")
        if length > self.max_size:
            raise Refused(413, "upload.too_large", f"At most {self.max_size} bytes are taken.")
        metadata = _metadata(request.headers.get("Upload-Metadata"))
        try:
            submission = uuid.UUID(metadata["submission"])
        except (KeyError, ValueError) as error:
            raise Refused(400, "upload.metadata", "The metadata must name the submission.") from error
        sha256 = metadata.get("sha256", "")
        if not re.fullmatch(r"[0-9a-f]{64}", sha256) or not length:
            raise Refused(
                400, "upload.metadata", "The metadata must hold the sha256 of at least one byte, as hex."
            )
        has_body = request.content_length != 0
        checksum = _checksum(request) if has_body else None
        if has_body:
            _require_body_type(request)
        status = self.uploads.create(
            submission,
            sha256,
            length,
            request.now,
            lambda session: self.may_upload(session, submission, sha256, length),
        )
        if has_body and status.offset == 0:
            try:
                status = self._append(request, status.id, 0, checksum, status)
            except OffsetConflict:  # somebody else was faster: the sender goes on where that one is
                status = self.uploads.status(status.id, request.now)
        return Answer(201, _progress(status) | {"Location": f"{request.collection}/{status.id}"})

    def _patch(self, request: TusRequest) -> Answer:
        upload_id = _upload_id(request)
        _require_body_type(request)
        offset = request.number("Upload-Offset")
        return Answer(204, _progress(self._append(request, upload_id, offset, _checksum(request))))

    def _append(
        self,
        request: TusRequest,
        upload_id: uuid.UUID,
        offset: int,
        checksum: Checksum | None,
        before: UploadStatus | None = None,
    ) -> UploadStatus:
        return self.uploads.append(
            upload_id,
            offset,
            request.body,
            declared=request.content_length,
            checksum=checksum,
            now=request.now,
            on_received=self.on_received,
            before=before,
        )

    def _delete(self, request: TusRequest) -> Answer:
        self.uploads.terminate(_upload_id(request), request.now)
        return Answer(204, {"Tus-Resumable": VERSION})


def _progress(status: UploadStatus) -> dict[str, str]:
    headers = {"Tus-Resumable": VERSION, "Upload-Offset": str(status.offset), "Cache-Control": "no-store"}
    if status.may_expire:
        headers["Upload-Expires"] = format_datetime(status.expires_at, usegmt=True)
    return headers


def _upload_id(request: TusRequest) -> uuid.UUID:
    try:
        return uuid.UUID(request.upload_id)
    except ValueError as error:
        raise UploadMissing("not an id") from error


def _require_body_type(request: TusRequest) -> None:
    if request.headers.get("Content-Type") != BODY_TYPE:
        raise Refused(415, "upload.type", f"The Content-Type must be {BODY_TYPE}.")


def _metadata(header: str | None) -> dict[str, str]:
    """`name base64,name base64,…` as text; raises Refused 400."""
    found: dict[str, str] = {}
    for pair in filter(None, (header or "").split(",")):
        name, _, value = pair.strip().partition(" ")
        try:
            found[name] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise Refused(
                400, "upload.metadata", f"The metadata {name!r} is not base64 of a text."
            ) from error
    return found


def _checksum(request: TusRequest) -> Checksum | None:
    header = request.headers.get("Upload-Checksum")
    if header is None:
        return None
    algorithm, _, value = header.partition(" ")
    if algorithm not in CHECKSUMS:
        raise Refused(400, "upload.checksum_unknown", f"Checksums: {', '.join(CHECKSUMS)}.")
    try:
        return Checksum(algorithm, base64.b64decode(value, validate=True))
    except binascii.Error as error:
        raise Refused(400, "upload.checksum_unknown", "The checksum is not base64.") from error
