"""What a running Gridwatch is told by its environment, read once at start and frozen."""

import os
import secrets
from contextlib import suppress
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
MIB = 1024 * 1024
SHORTEST_SECRET = 32

Network = IPv4Network | IPv6Network


class NotConfigured(Exception):
    """The environment lacks something or holds something wrong; the message tells an operator what to set."""


class Environment(StrEnum):
    """How strict the start is: production takes nothing for granted and creates no secret of its own."""

    DEVELOPMENT = "development"
    TEST = "test"
    PRODUCTION = "production"


class Limits(BaseModel):
    """The largest things the server takes; the phone reads the same figures from GET /public/county."""

    model_config = ConfigDict(frozen=True)

    photo_bytes: int = 40 * MIB
    video_bytes: int = 200 * MIB
    media_count: int = 20
    envelope_bytes: int = 256 * 1024
    text_chars: int = 5000

    @property
    def sealed_bytes(self) -> int:
        """The largest single medium: sealed, nobody can tell a photo from a video. age adds 16 bytes per 64 KiB."""
        plain = max(self.photo_bytes, self.video_bytes)
        return plain + plain // 4096 + 4096


class Flood(BaseModel):
    """What is taken from one network without sign-in before it has to wait; honest phones only become slower.

    A village behind one address: 200 phones with nine photos of 1 MB each are 1.8 GB in an hour.
    """

    model_config = ConfigDict(frozen=True)

    submissions: int = 600
    """In ten minutes."""
    bytes: int = 4096 * MIB
    """In an hour: envelopes, and media as they are declared."""


class Phone(BaseModel):
    """A telephone number shown to the public, such as 12350."""

    model_config = ConfigDict(frozen=True)

    name: str
    number: str


class MailGateway(BaseModel):
    """An SMTP server that takes our mail: MAIL__HOST, MAIL__SENDER …"""

    model_config = ConfigDict(frozen=True)

    host: str
    port: int = 587
    user: str = ""
    password: SecretStr = SecretStr("")
    sender: str
    security: Literal["starttls", "tls", "none"] = "starttls"


class SmsGateway(BaseModel):
    """An SMS gateway over HTTP (server/notices/gateways.py): SMS__URL, SMS__TOKEN."""

    model_config = ConfigDict(frozen=True)

    url: HttpUrl
    token: SecretStr


PUSH_SERVICES = (
    "fcm.googleapis.com",
    "push.services.mozilla.com",
    "notify.windows.com",
    "push.apple.com",
)
"""Of Chrome and its kin, Firefox, Edge, Safari."""


class Settings(BaseSettings):
    """One frozen value per environment variable of the same name (lists separated by commas)."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_nested_delimiter="__", env_ignore_empty=True, populate_by_name=True
    )

    environment: Environment = Environment.DEVELOPMENT
    database_url: SecretStr
    redis_url: SecretStr
    s3_endpoint: str
    s3_access_key: str
    s3_secret_key: SecretStr
    s3_bucket: str = "gridwatch"
    s3_secure: bool = False
    s3_region: str = "us-east-1"
    s3_public_endpoint: str | None = None
    """Where browsers reach the object store; only with it are presigned links given out."""

    keys_dir: Path = ROOT / "var" / "keys"
    jwt_secret: SecretStr = SecretStr("")
    secure_cookies: bool = False

    county_code: str = "632621"
    county_name: str = "玛沁县"
    county_phones: Annotated[tuple[Phone, ...], NoDecode] = (
        Phone(name="安全生产举报", number="12350"),
        Phone(name="消防救援", number="119"),
    )
    time_zone: str = "Asia/Shanghai"
    """Where days begin and end: deadlines, numbers by day, working hours."""

    tiles_url: str | None = None
    tiles_attribution: str = ""
    metrics_networks: Annotated[tuple[Network, ...], NoDecode] = tuple(
        IPv4Network(n) for n in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
    ) + tuple(IPv6Network(n) for n in ("::1/128", "fc00::/7"))
    trusted_proxies: int = Field(default=0, ge=0, le=8)
    """How many reverse proxies stand in front and may set X-Forwarded-*; 0 believes none."""

    mail: MailGateway | None = None
    sms: SmsGateway | None = None
    """Without a gateway the way is not offered to anybody."""
    push_contact: str = "mailto:admin@localhost"
    """Whom a push service may write to about our messages (mailto: or https:); Apple refuses invented ones."""
    push_hosts: Annotated[tuple[str, ...], NoDecode] = PUSH_SERVICES
    """The push services that may be called, with all hosts below them."""

    web_dir: Path = ROOT / "pwa" / "dist"
    """The built web apps: tip/ and staff/."""

    limits: Limits = Limits()
    flood: Flood = Flood()

    @property
    def production(self) -> bool:
        """Whether this is a real county with real reporters."""
        return self.environment is Environment.PRODUCTION

    @field_validator("database_url")
    @classmethod
    def _dialect(cls, value: SecretStr) -> SecretStr:
        """Only psycopg 3 is installed; a bare postgresql:// would ask for psycopg 2."""
        if not value.get_secret_value().startswith("postgresql+psycopg://"):
            raise ValueError("must start with postgresql+psycopg://")
        return value

    @field_validator("metrics_networks", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        return (
            [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        )

    @field_validator("push_hosts", mode="before")
    @classmethod
    def _hosts(cls, value: object) -> object:
        return [part.strip().lower() for part in value.split(",")] if isinstance(value, str) else value

    @field_validator("county_phones", mode="before")
    @classmethod
    def _phones(cls, value: object) -> object:
        """Reads "12350 安全生产举报, 119 消防救援"."""
        if not isinstance(value, str):
            return value
        pairs = [part.strip().partition(" ") for part in value.split(",") if part.strip()]
        return [{"number": number, "name": name or number} for number, _, name in pairs]

    @model_validator(mode="after")
    def _own_secrets(self) -> Self:
        """Production starts only with secrets that somebody chose for it."""
        if not self.production:
            return self
        missing = []
        if len(self.jwt_secret.get_secret_value()) < SHORTEST_SECRET:
            missing.append(f"JWT_SECRET must be set to at least {SHORTEST_SECRET} random characters")
        if len(self.s3_secret_key.get_secret_value()) < 16:
            missing.append("S3_SECRET_KEY must have at least 16 characters")
        if not urlsplit(self.database_url.get_secret_value()).password:
            missing.append("DATABASE_URL must carry a password")
        if "keys_dir" not in self.model_fields_set:
            missing.append("KEYS_DIR must name the folder with this county's own keys")
        elif not self.keys_dir.is_dir() or not any(self.keys_dir.iterdir()):
            missing.append(
                f"KEYS_DIR {self.keys_dir} is missing or empty: create the keys first (deploy/README.md)"
            )
        elif self.keys_dir.stat().st_mode & 0o077:
            missing.append(f"KEYS_DIR {self.keys_dir} must be closed to group and others (chmod 700)")
        if not self.secure_cookies:
            missing.append("SECURE_COOKIES must be true: cookies may only travel over TLS")
        if missing:
            raise ValueError("; ".join(missing))
        return self


def _kept_secret(path: Path) -> SecretStr:
    """The secret in the file, which is created on the first call so that sign-ins outlive a restart."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        with suppress(FileExistsError):  # another process was first, and its secret counts
            os.link(draft, path)
        draft.unlink()
    return SecretStr(path.read_text().strip())


def load_settings(**given: object) -> Settings:
    """The settings of this process from the environment; `given` wins over it. Raises NotConfigured."""
    try:
        settings = Settings(**given)  # type: ignore[arg-type]
        if not settings.production and not settings.jwt_secret.get_secret_value():
            settings = settings.model_copy(
                update={"jwt_secret": _kept_secret(settings.keys_dir / "jwt.secret")}
            )
    except ValidationError as error:
        lines = [
            f"  {'.'.join(map(str, e['loc'])).upper() or 'settings'}: {e['msg']}" for e in error.errors()
        ]
        raise NotConfigured("Gridwatch cannot start:\n" + "\n".join(lines)) from error
    return settings
