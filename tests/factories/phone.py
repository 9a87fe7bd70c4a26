"""A phone, as PROTOCOL.md lets anybody write one: seals, sends, checks signatures."""

import base64
import hashlib
import json
import uuid
from dataclasses import dataclass, field
from typing import Any

import pyrage
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from flask.testing import FlaskClient
from werkzeug.test import TestResponse


def digest_header(raw: bytes) -> str:
    """The Content-Digest of RFC 9530."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(raw).digest()).decode()}:"


def tip_body(**changes: Any) -> dict[str, Any]:
    """What a citizen says, well formed."""
    return {
        "v": 1,
        "kind": "tip",
        "captured_at": "2026-11-23T03:55:00Z",
        "text": "安全出口被铁链锁住,门口堆着纸箱",
        "hazard_type": None,
        "place": {"lat": 34.477, "lng": 100.242, "accuracy_m": 15, "source": "gps"},
        "place_words": "大武镇团结路",
        "enterprise_words": "",
        "named": False,
        "wants_notice": False,
        "media": [],
    } | changes


@dataclass
class Phone:
    """Sends through a test client; `token` signs in as staff."""

    client: FlaskClient
    token: str | None = None
    keys: dict[str, Any] = field(default_factory=dict)

    def seal(self, plain: bytes, purpose: str = "intake") -> bytes:
        """Sealed to the county's key."""
        if not self.keys:
            self.keys = self.client.get("/api/v1/keys").get_json()
        recipient = pyrage.x25519.Recipient.from_str(self.keys[purpose]["recipient"])
        sealed: bytes = pyrage.encrypt(plain, [recipient])
        return sealed

    def envelope(self, body: dict[str, Any], media: list[bytes] | None = None, **changes: Any) -> bytes:
        """The exact bytes of an envelope; `media` are sealed already."""
        sealed = [{"sha256": hashlib.sha256(m).hexdigest(), "size": len(m)} for m in media or []]
        declared = [{"sha256": one["sha256"], "kind": "photo", "type": "image/jpeg"} for one in sealed]
        inside = json.dumps(body | {"media": declared}).encode()
        fields = {
            "v": 1,
            "kind": body["kind"],
            "body": base64.b64encode(self.seal(inside)).decode(),
            "receipt": hashlib.sha256(uuid.uuid4().bytes).hexdigest() if body["kind"] == "tip" else None,
            "identity": None,
            "contact": None,
            "media": sealed,
        }
        return json.dumps(fields | changes).encode()

    def put(self, submission_id: uuid.UUID, raw: bytes, **headers: str) -> TestResponse:
        """Send an envelope."""
        given = {"Content-Digest": digest_header(raw), "Content-Type": "application/json"}
        if self.token:
            given["Authorization"] = f"Bearer {self.token}"
        return self.client.put(f"/api/v1/submissions/{submission_id}", data=raw, headers=given | headers)

    def upload(self, submission_id: uuid.UUID, sealed: bytes) -> None:
        """Send a medium whole."""
        sha256 = hashlib.sha256(sealed).hexdigest()
        told = {"submission": str(submission_id), "sha256": sha256}
        metadata = ",".join(
            f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in told.items()
        )
        tus = {"Tus-Resumable": "1.0.0"}
        made = self.client.post(
            "/api/v1/uploads", headers=tus | {"Upload-Length": str(len(sealed)), "Upload-Metadata": metadata}
        )
        assert made.status_code == 201, made.get_data()
        offset = int(made.headers.get("Upload-Offset", 0))
        sent = self.client.patch(
            made.headers["Location"],
            data=sealed[offset:],
            headers=tus | {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"},
        )
        assert sent.status_code == 204, sent.get_data()

    def status(self, submission_id: uuid.UUID) -> dict[str, Any]:
        """The verdict as it stands."""
        return self.verdict(self.client.get(f"/api/v1/submissions/{submission_id}"))

    def verdict(self, response: TestResponse) -> dict[str, Any]:
        """The payload, once its signature was found to hold."""
        signed = response.get_json()
        payload = base64.b64decode(signed["payload"])
        chain = {key["id"]: key for key in self.client.get("/api/v1/keys").get_json()["signing"]}
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(chain[signed["key"]]["public"]))
        public.verify(base64.b64decode(signed["signature"]), payload)
        verdict: dict[str, Any] = json.loads(payload)
        return verdict
