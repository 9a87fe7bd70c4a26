"""tus 1.0 over gunicorn: by hand, and with the clients that other people use."""

import base64
import hashlib
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest
from sqlalchemy.orm import Session, sessionmaker
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError

from storage.blobs import BlobStore
from storage.uploads import UploadState, UploadStore
from tests.storage.tus_app import MAX_SIZE

if TYPE_CHECKING:
    from tests.conftest import Services

DATA = bytes(n * n % 253 for n in range(3_000_001))
BODY = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}


class Running:
    """A gunicorn with the upload routes."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, received: Path) -> None:
        self.process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}/api/v1/uploads"
        self._received = received

    def received(self, location: str) -> int:
        """How often the last byte of this upload was noted."""
        return self._received.read_text().split().count(location.rpartition("/")[2])


@pytest.fixture(scope="module")
def web(
    stack: "Services",
    sessions: sessionmaker[Session],
    blobs: BlobStore,
    repository: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Running]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    received = tmp_path_factory.mktemp("tus") / "received"
    received.touch()
    with sessions() as session:
        database = session.get_bind().engine.url.render_as_string(hide_password=False)
    own = {"DATABASE_URL": database, "S3_BUCKET": blobs.bucket, "RECEIVED": str(received)}
    command = [sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "--threads", "8"]
    command += ["--bind", f"127.0.0.1:{port}", "--log-level", "warning", "tests.storage.tus_app:create_app()"]
    process = subprocess.Popen(command, cwd=repository, env=os.environ | stack.environ | own)
    running = Running(process, port, received)
    try:
        for _ in range(300):
            try:
                httpx.options(running.url)
                break
            except httpx.ConnectError:
                assert process.poll() is None
                time.sleep(0.1)
        yield running
    finally:
        process.terminate()
        process.wait()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def metadata(submission: uuid.UUID | str, digest: str) -> str:
    pairs = {"submission": str(submission), "sha256": digest, "filename": "IMG_0001.jpg"}
    return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in pairs.items())


def create(web: Running, data: bytes = DATA, content: bytes = b"", **more: str) -> httpx.Response:
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(data))}
    headers["Upload-Metadata"] = metadata(uuid.uuid4(), sha256(data))
    headers |= {name.replace("_", "-"): value for name, value in more.items()}
    return httpx.post(web.url, headers=headers, content=content)


def place(web: Running, response: httpx.Response) -> str:
    assert response.status_code == 201, response.text
    return str(httpx.URL(web.url).join(response.headers["Location"]))


def patch(url: str, offset: int, content: bytes, **more: str) -> httpx.Response:
    headers = BODY | {"Upload-Offset": str(offset)} | {k.replace("_", "-"): v for k, v in more.items()}
    return httpx.patch(url, headers=headers, content=content)


def offset_of(url: str) -> int:
    response = httpx.head(url, headers={"Tus-Resumable": "1.0.0"})
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    return int(response.headers["Upload-Offset"])


def joined(uploads: UploadStore, url: str) -> bytes:
    into = io.BytesIO()
    assert uploads.join(uuid.UUID(url.rpartition("/")[2]), into).state is UploadState.JOINED
    return into.getvalue()


def test_what_the_server_can_is_told(web: Running) -> None:
    told = httpx.options(web.url)
    assert told.status_code == 204
    assert told.headers["Tus-Version"] == "1.0.0"
    assert set(told.headers["Tus-Extension"].split(",")) == {
        "creation",
        "creation-with-upload",
        "checksum",
        "termination",
        "expiration",
    }
    assert told.headers["Tus-Checksum-Algorithm"] == "sha1,sha256"
    assert told.headers["Tus-Max-Size"] == str(MAX_SIZE)


def test_an_upload_step_by_step(web: Running, uploads: UploadStore) -> None:
    created = create(web)
    url = place(web, created)
    assert created.headers["Upload-Offset"] == "0"
    assert parsedate_to_datetime(created.headers["Upload-Expires"]).timestamp() > time.time()
    first = patch(url, 0, DATA[:1_000_000])
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, "1000000")
    assert "Upload-Expires" in first.headers
    again = patch(url, 0, DATA[:1_000_000])
    assert (again.status_code, again.headers["Upload-Offset"]) == (409, "1000000")
    assert again.json()["code"] == "upload.offset"
    assert offset_of(url) == 1_000_000
    assert web.received(url) == 0
    last = patch(url, 1_000_000, DATA[1_000_000:])
    assert (last.status_code, last.headers["Upload-Offset"]) == (204, str(len(DATA)))
    assert web.received(url) == 1
    assert joined(uploads, url) == DATA
    head = httpx.head(url, headers={"Tus-Resumable": "1.0.0"})
    assert (head.headers["Upload-Length"], offset_of(url)) == (str(len(DATA)), len(DATA))
    assert "filename" not in head.headers["Upload-Metadata"]
    assert web.received(url) == 1


def test_creation_sent_again_tells_how_far_it_is(web: Running) -> None:
    about = metadata(uuid.uuid4(), sha256(DATA))
    first = create(web, content=DATA[:70_000], Upload_Metadata=about, Content_Type=BODY["Content-Type"])
    assert first.headers["Upload-Offset"] == "70000"
    second = create(web, Upload_Metadata=about)
    assert (second.headers["Location"], second.headers["Upload-Offset"]) == (
        first.headers["Location"],
        "70000",
    )
    third = create(web, content=DATA[:9], Upload_Metadata=about, Content_Type=BODY["Content-Type"])
    assert third.headers["Upload-Offset"] == "70000"


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_checksums(web: Running, algorithm: str) -> None:
    url = place(web, create(web))
    digest = base64.b64encode(hashlib.new(algorithm, DATA[:500]).digest()).decode()
    wrong = patch(url, 0, DATA[1:501], Upload_Checksum=f"{algorithm} {digest}")
    assert (wrong.status_code, wrong.json()["code"]) == (460, "upload.checksum")
    assert offset_of(url) == 0
    assert patch(url, 0, DATA[:500], Upload_Checksum=f"{algorithm} {digest}").status_code == 204
    assert patch(url, 500, DATA[:500], Upload_Checksum=f"crc32 {digest}").status_code == 400
    assert patch(url, 500, DATA[:500], Upload_Checksum=f"{algorithm} ???").status_code == 400
    assert offset_of(url) == 500


def test_termination(web: Running) -> None:
    url = place(web, create(web))
    patch(url, 0, DATA[:500])
    assert httpx.delete(url, headers={"Tus-Resumable": "1.0.0"}).status_code == 204
    gone = httpx.head(url, headers={"Tus-Resumable": "1.0.0"})
    assert gone.status_code == 404
    assert "Upload-Offset" not in gone.headers
    assert patch(url, 500, b"x").status_code == 404
    whole = place(web, create(web, content=DATA, Content_Type=BODY["Content-Type"]))
    assert httpx.delete(whole, headers={"Tus-Resumable": "1.0.0"}).status_code == 403


def test_networks_that_only_let_post_through(web: Running) -> None:
    url = place(web, create(web))
    headers = BODY | {"Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    assert httpx.post(url, headers=headers, content=DATA[:10]).status_code == 204
    assert offset_of(url) == 10


def test_wrong_requests_name_the_fault(web: Running) -> None:
    nobody = uuid.UUID(int=0)
    url = place(web, create(web))
    tus = {"Tus-Resumable": "1.0.0"}
    answers = [
        (412, "upload.version", httpx.patch(url, content=b"x")),
        (412, "upload.version", create(web, Tus_Resumable="0.2.2")),
        (400, "upload.header", create(web, Upload_Length="many")),
        (400, "upload.header", create(web, Upload_Length="-1")),
        (400, "upload.header", create(web, Upload_Defer_Length="1")),
        (400, "upload.metadata", create(web, b"")),
        (413, "upload.too_large", create(web, Upload_Length=str(MAX_SIZE + 1))),
        (400, "upload.metadata", create(web, Upload_Metadata="")),
        (400, "upload.metadata", create(web, Upload_Metadata="submission ?!")),
        (400, "upload.metadata", create(web, Upload_Metadata=metadata("nobody", sha256(DATA)))),
        (400, "upload.metadata", create(web, Upload_Metadata=metadata(uuid.uuid4(), "abc"))),
        (403, "upload.not_declared", create(web, Upload_Metadata=metadata(nobody, sha256(DATA)))),
        (415, "upload.type", create(web, content=b"x", Content_Type="image/jpeg")),
        (415, "upload.type", httpx.patch(url, headers=tus | {"Upload-Offset": "0"}, content=b"x")),
        (400, "upload.header", httpx.patch(url, headers=BODY, content=b"x")),
        (413, "upload.too_many_bytes", patch(url, 0, DATA + b"x")),
        (404, "upload.missing", patch(f"{web.url}/{uuid.uuid4()}", 0, b"x")),
        (404, "upload.missing", patch(f"{web.url}/no-id", 0, b"x")),
        (405, "upload.method", httpx.get(url, headers=tus)),
        (405, "upload.method", httpx.patch(web.url, headers=BODY, content=b"x")),
    ]
    for status, code, answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert offset_of(url) == 0
    assert answers[0][2].headers["Tus-Version"] == "1.0.0"


def test_a_phone_that_goes_away_in_the_middle_goes_on_where_it_stopped(
    web: Running, uploads: UploadStore
) -> None:
    url = place(web, create(web))
    head = f"PATCH {httpx.URL(url).path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(DATA)}\r\nUpload-Offset: 0\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in BODY.items())
    with socket.create_connection(("127.0.0.1", web.port)) as phone:
        phone.sendall(head.encode() + b"\r\n" + DATA[:2_500_000])
    for _ in range(300):
        if (at := offset_of(url)) == 2_500_000:
            break
        time.sleep(0.1)
    assert at == 2_500_000
    assert patch(url, at, DATA[at:]).status_code == 204
    assert joined(uploads, url) == DATA


def test_a_body_of_unannounced_length(web: Running, uploads: UploadStore) -> None:
    url = place(web, create(web))
    parts = (DATA[n : n + 100_000] for n in range(0, len(DATA), 100_000))
    sent = httpx.patch(url, headers=BODY | {"Upload-Offset": "0"}, content=parts)
    assert (sent.status_code, sent.headers["Upload-Offset"]) == (204, str(len(DATA)))
    assert joined(uploads, url) == DATA


def test_the_web_process_holds_pieces_not_files(web: Running) -> None:
    def resident() -> int:
        return sum(child.memory_info().rss for child in psutil.Process(web.process.pid).children())

    data = os.urandom(1_000_000) * 29
    place(web, create(web, content=DATA, Content_Type=BODY["Content-Type"]))
    before = resident()
    url = place(web, create(web, data))
    assert patch(url, 0, data).status_code == 204
    assert resident() - before < len(data) // 2


@pytest.mark.parametrize("checksum", [False, True])
def test_tuspy(web: Running, uploads: UploadStore, tmp_path: Path, checksum: bool) -> None:
    (tmp_path / "photo").write_bytes(DATA)
    about = {"submission": str(uuid.uuid4()), "sha256": sha256(DATA)}
    first = TusClient(web.url).uploader(
        str(tmp_path / "photo"), chunk_size=400_000, metadata=about, upload_checksum=checksum
    )
    first.upload(stop_at=1_000_000)
    assert first.url
    assert offset_of(first.url) == 1_000_000
    second = TusClient(web.url).uploader(
        str(tmp_path / "photo"), chunk_size=900_000, url=first.url, upload_checksum=checksum
    )
    second.upload()
    assert web.received(first.url) == 1
    assert joined(uploads, first.url) == DATA


def test_tuspy_is_refused_what_is_not_declared(web: Running, tmp_path: Path) -> None:
    (tmp_path / "photo").write_bytes(DATA)
    about = {"submission": str(uuid.UUID(int=0)), "sha256": sha256(DATA)}
    with pytest.raises(TusCommunicationError):
        TusClient(web.url).uploader(str(tmp_path / "photo"), metadata=about).upload()


@pytest.mark.parametrize("how", ["plain", "with-creation"])
def test_tus_js_client(
    web: Running, uploads: UploadStore, tmp_path: Path, repository: Path, how: str
) -> None:
    node = shutil.which("node")
    library = repository / "pwa" / "node_modules" / "tus-js-client"
    assert node, "Node is needed: make setup"
    assert library.is_dir(), "tus-js-client is needed: make setup"
    (tmp_path / "video").write_bytes(DATA)
    script = repository / "tests" / "storage" / "tus_client.mjs"
    command = [
        node,
        str(script),
        str(library),
        web.url,
        str(tmp_path / "video"),
        str(uuid.uuid4()),
        sha256(DATA),
        how,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["first"]["done"] is False
    assert told["second"]["done"] is True
    assert told["second"]["url"] == told["first"]["url"]
    assert web.received(told["first"]["url"]) == 1
    assert joined(uploads, told["first"]["url"]) == DATA
