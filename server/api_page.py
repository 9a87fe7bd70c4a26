"""The API readable by people at /api/docs, rendered from the OpenAPI document without outside resources."""

from typing import Any

from flask import Flask, render_template
from flask_smorest import Api


def install(app: Flask, api: Api) -> None:
    """Add the page."""
    app.template_folder = "templates"
    app.root_path = __file__.rsplit("/", 1)[0]

    @app.get("/api/docs")
    def api_docs() -> str:
        """All operations with their parameters and shapes"""
        document: dict[str, Any] = api.spec.to_dict()
        operations = [
            (method.upper(), path, operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
            if method in ("get", "put", "post", "patch", "delete")
        ]
        return render_template("api.html", document=document, operations=operations, shape=_shape)

    @app.get("/api/docs.css")
    def api_docs_css() -> Any:
        """Its style: the policy allows none within the page"""
        return app.response_class(render_template("api.css"), content_type="text/css")


def _shape(schema: dict[str, Any]) -> str:
    """A schema in one line: a name, a list of it, or its type."""
    if "$ref" in schema:
        name: str = schema["$ref"].rsplit("/", 1)[1]
        return name
    if schema.get("type") == "array":
        return f"[{_shape(schema.get('items', {}))}]"
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    kind = schema.get("type", "any")
    told = " | ".join(kind) if isinstance(kind, list) else str(kind)
    return f"{told} ({schema['format']})" if "format" in schema else told
