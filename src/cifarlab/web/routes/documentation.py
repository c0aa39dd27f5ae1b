"""`/docs`: the HTTP API, to read and to try, by Swagger UI; every file comes from this machine."""

import importlib.util
from pathlib import Path

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse, HTMLResponse

router = APIRouter(include_in_schema=False)

# Swagger UI draws on white.
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light">
<title>HTTP API of cifarlab</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<nav class="swagger-ui"><p class="wrapper"><a class="link" href="/runs">← cifarlab</a></p></nav>
<main id="documentation" aria-label="HTTP API">
<p>The API as a <a href="/openapi.json">file</a>; to read it here, allow scripts.</p>
</main>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/static/documentation.js" type="module"></script>
</body>
</html>
"""
_FILES = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}


@router.get("/docs")
async def documentation() -> HTMLResponse:
    """The page, without a script of its own in it."""
    return HTMLResponse(_PAGE)


@router.get("/docs/{name}")
async def swagger_ui(name: str) -> FileResponse:
    """Swagger UI itself, and its looks."""
    if name not in _FILES:
        raise HTTPException(404, f"there is no file {name}")
    return FileResponse(_folder() / name, media_type=_FILES[name], headers={"Cache-Control": "max-age=86400"})


def _folder() -> Path:
    """Where the package fastapi-offline keeps Swagger UI; the package itself is not imported."""
    package = importlib.util.find_spec("fastapi_offline")
    if package is None or package.origin is None:
        raise FileNotFoundError("fastapi-offline is not installed: pip install 'cifarlab[web]'")
    return Path(package.origin).parent / "static"
