"""The ways out: web push, mail, SMS. Each sends one text once, or says why not; none logs an address or a word."""

import json
import smtplib
import ssl
import urllib.error
import urllib.request
import uuid
from email.message import EmailMessage
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from server.settings import MailGateway, Settings, SmsGateway

TIMEOUT_S = 15
PUSH_KEPT_S = 3 * 24 * 3600
"""How long a push service keeps a message for a phone that is off."""


_MAY_PASS = {
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
}
"""Refusals that an operator or time may mend: a wrong token, too much at once."""


class Undeliverable(Exception):
    """This will never arrive: a wrong address, or a gateway that refuses. `gone`: the browser unsubscribed."""

    def __init__(self, why: str, gone: bool = False) -> None:
        super().__init__(why)
        self.gone = gone


class NotNow(Exception):
    """The gateway does not answer or is busy: try again later."""


class Sms(Protocol):
    """What any SMS gateway does for us."""

    def send(self, number: str, text: str, key: str) -> None:
        """Send one text; `key` lets the gateway recognise a repetition. Raises Undeliverable, NotNow."""
        ...


class HttpSms:
    """A gateway that takes JSON over HTTPS: POST {to, text, key} with a bearer token and Idempotency-Key."""

    def __init__(self, settings: SmsGateway) -> None:
        self._settings = settings

    def send(self, number: str, text: str, key: str) -> None:
        """2xx is sent, 4xx is never, all else is not now."""
        request = urllib.request.Request(  # noqa: S310 - settings take only http(s)
            str(self._settings.url),
            data=json.dumps({"to": number, "text": text, "key": key}).encode(),
            headers={
                "Content-Type": "application/json",
                "Authorization": f"Bearer {self._settings.token.get_secret_value()}",
                "Idempotency-Key": key,
            },
        )
        try:
            urllib.request.urlopen(request, timeout=TIMEOUT_S).close()  # noqa: S310
        except urllib.error.HTTPError as error:
            _judge(error.code, "SMS")
        except OSError as error:
            raise NotNow(f"SMS gateway: {type(error).__name__}") from None


def sms_gateway(settings: Settings) -> Sms | None:
    """The county's gateway; None where it has none."""
    return HttpSms(settings.sms) if settings.sms is not None else None


def send_mail(settings: MailGateway, address: str, subject: str, text: str, key: str) -> None:
    """Send one mail; its Message-ID is made of `key`. Raises Undeliverable, NotNow."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = settings.sender, address, subject
    message["Date"] = formatdate()
    message["Message-ID"] = f"<{key}@{settings.sender.rpartition('@')[2].rstrip('>')}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    secure = ssl.create_default_context()
    try:
        if settings.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=TIMEOUT_S, context=secure
            )
        else:
            server = smtplib.SMTP(settings.host, settings.port, timeout=TIMEOUT_S)
        with server:
            if settings.security == "starttls":
                server.starttls(context=secure)
            if settings.user:
                server.login(settings.user, settings.password.get_secret_value())
            server.send_message(message)
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        code = getattr(error, "smtp_code", None) or max(
            (answer[0] for answer in getattr(error, "recipients", {}).values()), default=0
        )
        if 500 <= code < 600:
            raise Undeliverable(f"mail: {code}") from None
        raise NotNow(f"mail: {code}") from None
    except (smtplib.SMTPException, OSError) as error:
        raise NotNow(f"mail: {type(error).__name__}") from None


def send_push(settings: Settings, browser: dict[str, str], payload: dict[str, Any], key: str) -> None:
    """Wake one browser {endpoint, p256dh, auth}; the payload is sealed to it. Raises Undeliverable, NotNow."""
    # aiohttp comes with it and takes a while to import: only the worker that sends needs it.
    import requests
    from pywebpush import WebPushException, webpush

    refuse_foreign(settings, browser["endpoint"])
    try:
        webpush(
            {"endpoint": browser["endpoint"], "keys": {n: browser[n] for n in ("p256dh", "auth")}},
            data=json.dumps(payload),
            vapid_private_key=str(Path(settings.keys_dir) / "vapid.pem"),
            vapid_claims={"sub": settings.push_contact},
            ttl=PUSH_KEPT_S,
            timeout=TIMEOUT_S,
            # A repetition of the same message replaces the first where it still waits.
            headers={"Topic": uuid.UUID(key).hex[:32], "Urgency": "normal"},
        )
    except WebPushException as error:
        if error.response is None:
            raise Undeliverable("push: keys") from None
        _judge(error.response.status_code, "push")
    except requests.RequestException as error:
        raise NotNow(f"push: {type(error).__name__}") from None
    except ValueError:
        raise Undeliverable("push: keys") from None


def refuse_foreign(settings: Settings, endpoint: str) -> None:
    """Only known push services are called: an address that a stranger chose must not reach into our network.

    Raises Undeliverable.
    """
    told = urlsplit(endpoint)
    host = (told.hostname or "").lower()
    known = any(host == one or host.endswith("." + one) for one in settings.push_hosts)
    local = host in ("localhost", "127.0.0.1")
    if not known or told.username or (told.scheme != "https" and not (local and told.scheme == "http")):
        raise Undeliverable("push: unknown service")


def _judge(status: int, way: str) -> None:
    """What an HTTP gateway's refusal means."""
    if status in _MAY_PASS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise NotNow(f"{way}: {status}")
    raise Undeliverable(f"{way}: {status}", gone=status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE))
