"""The object store against the real SeaweedFS."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage.blobs import BlobMissing, BlobStore, StoreUnavailable


def test_what_is_put_comes_back_whole_and_in_ranges(blobs: BlobStore, tmp_path: Path) -> None:
    data = bytes(range(256)) * 5000
    blobs.put("range/a", data, content_type="image/webp")
    assert blobs.get("range/a") == data
    with blobs.open("range/a", 1000, 300) as part:
        assert b"".join(part) == data[1000:1300]
    with blobs.open("range/a", len(data) - 5) as end:
        assert b"".join(end) == data[-5:]
    stat = blobs.stat("range/a")
    assert (stat.size, stat.content_type) == (len(data), "image/webp")
    assert abs(stat.modified - datetime.now(UTC)) < timedelta(hours=1)
    assert blobs.fetch("range/a", tmp_path / "copy") == len(data)
    assert (tmp_path / "copy").read_bytes() == data
    assert blobs.put_file("range/b", tmp_path / "copy", "video/mp4") == len(data)
    assert [(found.key, found.size) for found in blobs.list("range/")] == [
        ("range/a", len(data)),
        ("range/b", len(data)),
    ]


def test_a_large_stream_is_stored_in_parts(blobs: BlobStore) -> None:
    data = b"0123456789abcdef" * 800_000
    blobs.put("large", io.BytesIO(data), len(data))
    assert blobs.get("large") == data


def test_a_stream_that_breaks_leaves_nothing(blobs: BlobStore) -> None:
    class Breaking(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 7_000_000:
                raise KeyError("gone")
            return super().read(size)

    with pytest.raises(KeyError):
        blobs.put("broken", Breaking(bytes(20_000_000)), 20_000_000)
    with pytest.raises(BlobMissing):
        blobs.stat("broken")
    assert blobs.abort_unfinished(datetime.now(UTC) + timedelta(days=1)) == 0


def test_a_write_that_was_killed_is_given_up_later(blobs: BlobStore) -> None:
    blobs._client._create_multipart_upload(blobs.bucket, "killed", {})
    assert blobs.abort_unfinished(datetime.now(UTC) - timedelta(hours=1)) == 0
    assert blobs.abort_unfinished(datetime.now(UTC) + timedelta(hours=1)) == 1
    assert blobs.abort_unfinished(datetime.now(UTC) + timedelta(hours=1)) == 0


def test_missing_objects_are_told_apart_and_deleting_them_is_no_error(blobs: BlobStore) -> None:
    for look in (blobs.get, blobs.stat, blobs.open):
        with pytest.raises(BlobMissing):
            look("nowhere")
    blobs.put("gone/1", b"1")
    blobs.put("gone/2", b"2")
    blobs.delete("gone/1")
    blobs.delete("gone/1")
    blobs.delete_many(["gone/1", "gone/2", "gone/3"])
    assert list(blobs.list("gone/")) == []


def test_a_store_that_is_not_there_is_told_as_unavailable() -> None:
    nobody = BlobStore("127.0.0.1:9", "key", "secret", "bucket")
    assert not nobody.healthy()
    with pytest.raises(StoreUnavailable):
        nobody.put("a", b"b")


def test_wrong_credentials_are_not_health(blobs: BlobStore) -> None:
    endpoint = blobs._client._base_url.host
    assert blobs.healthy()
    assert not BlobStore(endpoint, "other", "credentials-of-nobody", blobs.bucket).healthy()
    assert not BlobStore(endpoint, "other", "credentials-of-nobody", "no-such-bucket").healthy()
