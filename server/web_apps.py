"""The built web apps at /tip/ and /staff/, and the headers that every answer carries."""

from pathlib import Path
from urllib.parse import urlsplit
from wsgiref.headers import Headers

from flask import Flask, Response, redirect, request, send_file
from werkzeug import Response as AnyResponse
from whitenoise import WhiteNoise

from server.core.errors import NotFound, Unavailable
from server.settings import Settings

APPS = ("tip", "staff")
HASHED = "/assets/"


def security_headers(settings: Settings) -> dict[str, str]:
    """A strict policy: own scripts only, nothing from elsewhere but map tiles where they are configured."""
    tiles = ""
    if settings.tiles_url:
        parsed = urlsplit(settings.tiles_url.replace("{s}", "*"))
        tiles = f" {parsed.scheme}://{parsed.netloc}"
    objects = f" {settings.s3_public_endpoint}" if settings.s3_public_endpoint else ""
    headers = {
        "Content-Security-Policy": (
            f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:{tiles}{objects}; "
            f"media-src 'self' blob:{objects}; connect-src 'self'; worker-src 'self'; manifest-src 'self'; "
            "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        ),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(self), microphone=(self), geolocation=(self)",
    }
    if settings.secure_cookies:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return headers


def _of_data(headers: dict[str, str]) -> dict[str, str]:
    """What of these an answer needs that is no page: on a slow line each of a report's answers carries them."""
    kept = (
        "X-Content-Type-Options",
        "Referrer-Policy",
        "Cross-Origin-Resource-Policy",
        "Strict-Transport-Security",
    )
    return {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"} | {
        name: headers[name] for name in kept if name in headers
    }


def install(app: Flask, settings: Settings) -> None:
    """Serve both apps, lead / to the public one, and set the security headers on everything."""
    headers = security_headers(settings)
    of_data = _of_data(headers)

    @app.after_request
    def secure(response: Response) -> Response:
        for name, value in (headers if response.mimetype == "text/html" else of_data).items():
            response.headers.setdefault(name, value)
        if request.path.startswith("/api/"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    @app.get("/")
    def home() -> AnyResponse:
        """Leads to the public app"""
        return redirect("/tip/")

    def add_headers(given: Headers, _path: str, _url: str) -> None:
        for name, value in headers.items():
            given[name] = value

    for name in APPS:
        _serve(app, settings.web_dir / name, name)
    files = WhiteNoise(
        app.wsgi_app,
        autorefresh=not settings.production,
        max_age=0,
        immutable_file_test=lambda _path, url: HASHED in url,
        add_headers_function=add_headers,
    )
    for name in APPS:
        if (settings.web_dir / name).is_dir():
            files.add_files(str(settings.web_dir / name), prefix=f"{name}/")
    app.wsgi_app = files  # type: ignore[method-assign]


def _serve(app: Flask, folder: Path, name: str) -> None:
    """Any address within an app that is no file is one of its own routes: answer the page."""

    def page(path: str = "") -> Response:
        if HASHED in f"/{path}" or path.endswith((".js", ".json", ".webmanifest", ".png", ".svg")):
            raise NotFound
        index = folder / "index.html"
        if not index.is_file():
            raise Unavailable("web.not_built", "The web apps are not built yet: run make setup.")
        response = send_file(index, max_age=0)
        response.headers["Cache-Control"] = "no-cache"
        return response

    app.add_url_rule(f"/{name}/", f"{name}_home", page)
    app.add_url_rule(f"/{name}/<path:path>", f"{name}_page", page)
