"""The object store, any S3, through the `minio` client. There is no local-disk branch."""

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Protocol, Self, cast
from urllib.parse import urlsplit

import certifi
import urllib3
from minio import Minio
from minio.deleteobjects import DeleteObject
from minio.error import MinioException, S3Error

READ_SIZE = 256 * 1024
"""Bytes taken from the store at a time."""

DELETE_BATCH = 1000
"""The most keys S3 takes in one delete request."""


LINK_LASTS = timedelta(minutes=5)


class BlobMissing(Exception):
    """No object of this key is stored."""


class StoreUnavailable(Exception):
    """The object store does not answer, or answers with an error; trying later may help."""


class Reader(Protocol):
    """Something bytes are read from; b"" is the end."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class BlobStat:
    """What the store knows of an object; size in bytes, the time is the store's clock."""

    key: str
    size: int
    modified: datetime
    content_type: str | None = None


class BlobStream:
    """An open object. Iterate or read, then close: an unclosed one holds a connection of the pool."""

    def __init__(self, response: urllib3.BaseHTTPResponse, key: str) -> None:
        self._response = response
        self._key = key

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, b"" at the end. Raises StoreUnavailable when the connection breaks in
        between.
        """
        with _as_our_errors(self._key):
            return self._response.read(size)

    def __iter__(self) -> Iterator[bytes]:
        while part := self.read(READ_SIZE):
            yield part

    def close(self) -> None:
        """Give the connection back."""
        self._response.close()
        self._response.release_conn()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class BlobStore:
    """One bucket. Every method may raise StoreUnavailable."""

    def __init__(
        self,
        endpoint: str,
        access_key: str,
        secret_key: str,
        bucket: str,
        secure: bool = False,
        region: str = "us-east-1",
        public_endpoint: str | None = None,
    ) -> None:
        """`endpoint` is host:port. Connects on first use; naming the region saves a request per process.

        `public_endpoint` (https://host) is where browsers reach the store, for links.
        """

        def client(timeout: urllib3.Timeout, retries: urllib3.Retry) -> Minio:
            pool = urllib3.PoolManager(
                timeout=timeout,
                retries=retries,
                maxsize=32,
                cert_reqs="CERT_REQUIRED",
                ca_certs=certifi.where(),
            )
            return Minio(endpoint, access_key, secret_key, secure=secure, region=region, http_client=pool)

        self.bucket = bucket
        self._client = client(
            urllib3.Timeout(connect=3, read=60),
            urllib3.Retry(total=3, backoff_factor=0.2, status_forcelist=[500, 502, 503, 504]),
        )
        self._public = None
        if public_endpoint:
            # Signs only; it never connects.
            told = urlsplit(public_endpoint)
            self._public = Minio(
                told.netloc, access_key, secret_key, secure=told.scheme == "https", region=region
            )
        self._probe = client(urllib3.Timeout(connect=2, read=2), urllib3.Retry(total=0))

    def ensure_bucket(self) -> None:
        """Create the bucket where it is missing."""
        with _as_our_errors(self.bucket):
            try:
                if not self._client.bucket_exists(self.bucket):
                    self._client.make_bucket(self.bucket)
            except S3Error as error:
                if error.code not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                    raise

    def link(self, key: str) -> str | None:
        """An address at which a browser may read this object for five minutes; None without a public endpoint."""
        if self._public is None:
            return None
        return self._public.presigned_get_object(self.bucket, key, LINK_LASTS)

    def healthy(self) -> bool:
        """Whether the store answers within 2 s and has the bucket. Does not raise."""
        try:
            with _as_our_errors(self.bucket):
                return self._probe.bucket_exists(self.bucket)
        except StoreUnavailable:
            return False

    def put(
        self,
        key: str,
        data: bytes | bytearray | memoryview | Reader,
        size: int | None = None,
        content_type: str = "application/octet-stream",
    ) -> None:
        """Store an object, whole or not at all; `size` in bytes must be told for a stream.

        What the stream itself raises comes through, and nothing is stored then.
        """
        if isinstance(data, bytes | bytearray | memoryview):
            size = len(data)
            data = io.BytesIO(data)
        if size is None:
            raise ValueError("the size of a stream must be told")
        with _as_our_errors(key):
            self._client.put_object(
                self.bucket, key, cast(BinaryIO, data), size, content_type, num_parallel_uploads=1
            )

    def put_file(self, key: str, path: Path, content_type: str) -> int:
        """Store a file and return its size in bytes."""
        size = path.stat().st_size
        with path.open("rb") as source:
            self.put(key, source, size, content_type)
        return size

    def get(self, key: str) -> bytes:
        """The whole object. Raises BlobMissing."""
        with self.open(key) as stream:
            return b"".join(stream)

    def open(self, key: str, offset: int = 0, length: int | None = None) -> BlobStream:
        """A stream of `length` bytes from `offset` (to the end when None), for HTTP Range. Raises
        BlobMissing.

        The caller has checked the range against `stat`; a length of 0 is not a range.
        """
        with _as_our_errors(key):
            response = self._client.get_object(self.bucket, key, offset=offset, length=length or 0)
        return BlobStream(response, key)

    def fetch(self, key: str, path: Path) -> int:
        """Write the object into a file and return its size in bytes. Raises BlobMissing."""
        size = 0
        with self.open(key) as stream, path.open("wb") as target:
            for part in stream:
                size += target.write(part)
        return size

    def stat(self, key: str) -> BlobStat:
        """Size, time and type of an object. Raises BlobMissing."""
        with _as_our_errors(key):
            found = self._client.stat_object(self.bucket, key)
        assert found.size is not None
        assert found.last_modified is not None
        return BlobStat(key, found.size, found.last_modified, found.content_type)

    def delete(self, key: str) -> None:
        """Remove an object; one that is already gone is no error."""
        with _as_our_errors(key):
            try:
                self._client.remove_object(self.bucket, key)
            except S3Error as error:
                if error.code != "NoSuchKey":
                    raise

    def delete_many(self, keys: Iterable[str]) -> None:
        """Remove objects; those already gone are no error."""
        todo = list(keys)
        for start in range(0, len(todo), DELETE_BATCH):
            batch = todo[start : start + DELETE_BATCH]
            with _as_our_errors(batch[0]):
                failures = [
                    failure
                    for failure in self._client.remove_objects(
                        self.bucket, [DeleteObject(key) for key in batch]
                    )
                    if failure.code != "NoSuchKey"
                ]
            if failures:
                raise StoreUnavailable(f"{len(failures)} objects could not be deleted: {failures[0].message}")

    def abort_unfinished(self, before: datetime) -> int:
        """Give up multipart writes begun before this time, which a killed writer left; returns how many.

        They are in no listing and cost space for ever. The client has these calls for its own use only, hence
        the underscores; a test holds them to what we need.
        """
        with _as_our_errors(self.bucket):
            given_up = 0
            for left in self._client._list_multipart_uploads(self.bucket).uploads:
                if left.upload_id and left.initiated_time and left.initiated_time < before:
                    self._client._abort_multipart_upload(self.bucket, left.object_name, left.upload_id)
                    given_up += 1
        return given_up

    def list(self, prefix: str) -> Iterator[BlobStat]:
        """Every object whose key begins with `prefix`, in the order of keys, page by page."""
        with _as_our_errors(prefix):
            for found in self._client.list_objects(self.bucket, prefix=prefix, recursive=True):
                if (
                    found.object_name is not None
                    and found.size is not None
                    and found.last_modified is not None
                ):
                    yield BlobStat(found.object_name, found.size, found.last_modified)


@contextmanager
def _as_our_errors(key: str) -> Iterator[None]:
    """Turn what minio and urllib3 raise into BlobMissing and StoreUnavailable."""
    try:
        yield
    except S3Error as error:
        if error.code == "NoSuchKey":
            raise BlobMissing(key) from error
        raise StoreUnavailable(f"{error.code}: {error.message}") from error
    except (MinioException, urllib3.exceptions.HTTPError) as error:
        raise StoreUnavailable(str(error)) from error
