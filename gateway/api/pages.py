"""The built web pages: HTML by name, assets with hashed names for ever."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from gateway.api.errors import preferred_language
from gateway.api.services import SERVICES

PAGES = {
    "/": "index.html",
    "/live-stream": "live-stream.html",
    "/studio": "studio.html",
    "/talkback": "talkback.html",
}
"""Paths people see and the files the web build makes of them."""

_CSP = "; ".join(
    (
        "default-src 'self'",
        "connect-src 'self' ws: wss:",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "style-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_PAGE_HEADERS = {
    "Content-Security-Policy": _CSP,
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), fullscreen=(self)",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-cache",
}
_NOT_BUILT = {
    "en": "The web pages are not built yet. Run “make install” and reload.",
    "ru": "Страницы ещё не собраны. Выполните «make install» и обновите страницу.",
    "cs": "Stránky ještě nejsou sestavené. Spusťte „make install“ a načtěte stránku znovu.",
}


def routes() -> list[web.RouteDef]:
    """Pages, their assets, and the few files that browsers expect beside them."""
    return [
        *(web.get(path, page) for path in PAGES),
        web.get("/assets/{name:[^/]+}", asset),
        web.get(r"/{name:[\w-]+\.(?:ico|svg|png|jpg|webmanifest|txt)}", beside),
    ]


async def page(request: web.Request) -> web.StreamResponse:
    """One page; a clear 503 when nobody has built them."""
    name = PAGES[request.path]
    path = request.app[SERVICES].pages / name
    if path.is_file():
        return web.FileResponse(path, headers=_PAGE_HEADERS)
    text = _NOT_BUILT[preferred_language(request.headers.get("Accept-Language"))]
    html = f"<!doctype html><meta charset=utf-8><title>repair-live</title><p>{text}</p>\n"
    return web.Response(
        status=503, text=html, content_type="text/html", headers={**_PAGE_HEADERS, "Retry-After": "30"}
    )


async def asset(request: web.Request) -> web.StreamResponse:
    """A file whose name holds its content's hash: it never changes."""
    path = _file(request.app[SERVICES].pages / "assets", request.match_info["name"])
    return web.FileResponse(path, headers={"Cache-Control": "public, max-age=31536000, immutable"})


async def beside(request: web.Request) -> web.StreamResponse:
    """An icon, a picture or a manifest in the pages' own directory."""
    path = _file(request.app[SERVICES].pages, request.match_info["name"])
    return web.FileResponse(path, headers={"Cache-Control": "public, max-age=3600"})


def _file(directory: Path, name: str) -> Path:
    """A plain file directly in `directory`; anything else is not found."""
    path = directory / name
    try:
        found = path.name == name and path.parent == directory and path.is_file()
    except OSError:  # a name that no file system takes
        found = False
    if not found:
        raise web.HTTPNotFound
    return path
