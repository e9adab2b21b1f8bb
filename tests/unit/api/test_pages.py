"""Pages, assets, probes and the API's CORS through the real application."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import Counter

from gateway.config import Settings
from tests.signalling_rig import make_rig, serving


@pytest.fixture
def built(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    for name in ("index", "live-stream", "studio", "talkback"):
        (tmp_path / f"{name}.html").write_text(f"<title>{name}</title>")
    (tmp_path / "assets" / "main-abc123.js").write_text("export {};")
    (tmp_path / "favicon.svg").write_text("<svg/>")
    (tmp_path.parent / "secret.txt").write_text("secret")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/", "index"),
        ("/live-stream?token=abc", "live-stream"),
        ("/studio", "studio"),
        ("/talkback", "talkback"),
    ],
)
async def test_pages_are_served_with_a_strict_policy(built: Path, path: str, title: str) -> None:
    async with serving(make_rig(pages=built)) as http:
        response = await http.get(path)
        assert response.status == 200
        assert title in await response.text()
        assert response.content_type == "text/html"
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "script-src" not in policy  # falls back to 'self': no inline script
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] == "no-cache"


async def test_assets_are_cached_for_ever_and_files_beside_them_are_found(built: Path) -> None:
    async with serving(make_rig(pages=built)) as http:
        asset = await http.get("/assets/main-abc123.js")
        assert asset.status == 200
        assert "immutable" in asset.headers["Cache-Control"]
        assert "javascript" in asset.content_type
        assert (await http.get("/favicon.svg")).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/assets/",
        "/assets/none.js",
        "/assets/..%2findex.html",
        "/..%2fsecret.txt",
        "/none.svg",
        "/assets/%00",
    ],
)
async def test_nothing_else_is_served(built: Path, path: str) -> None:
    async with serving(make_rig(pages=built)) as http:
        response = await http.get(path)
        assert response.status == 404
        assert response.content_type == "application/problem+json"


async def test_without_a_build_the_page_says_what_to_do() -> None:
    async with serving(make_rig()) as http:
        response = await http.get("/", headers={"Accept-Language": "cs"})
        assert response.status == 503
        text = await response.text()
        assert "make install" in text
        assert "Spusťte" in text


async def test_the_probes() -> None:
    rig = make_rig()
    async with serving(rig) as http:
        assert (await http.get("/healthz")).status == 200
        assert (await http.get("/readyz")).status == 200
        rig.services.ready = lambda: False
        assert (await http.get("/readyz")).status == 503
        rig.services.ready = lambda: True
        rig.sessions.drain()
        draining = await http.get("/readyz")
        assert draining.status == 503
        assert int(draining.headers["Retry-After"]) >= 1
        assert (await http.get("/healthz")).status == 200


async def test_metrics_are_rendered() -> None:
    rig = make_rig()
    Counter("packets", "Packets.", registry=rig.services.metrics).inc(3)
    async with serving(rig) as http:
        response = await http.get("/metrics")
        assert "packets_total 3.0" in await response.text()
        assert response.content_type == "text/plain"


async def test_unknown_paths_and_methods_are_problems() -> None:
    async with serving(make_rig()) as http:
        for method, path, status in (("GET", "/no/such", 404), ("POST", "/healthz", 405)):
            response = await http.request(method, path, headers={"Accept-Language": "ru"})
            assert response.status == status
            document = await response.json(content_type="application/problem+json")
            assert document["status"] == status
            assert response.headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://shop.example.com", True),
        ("https://SHOP.example.com", True),
        ("https://evil.example.com", False),
    ],
)
async def test_the_api_answers_pages_of_configured_origins(origin: str, allowed: bool) -> None:
    rig = make_rig(settings=Settings(allowed_origins=("https://shop.example.com",)))
    async with serving(rig) as http:
        preflight = await http.options("/api/live-stream/authenticate", headers={"Origin": origin})
        refused = await http.get("/api/live-stream/url", headers={"Origin": origin})
        assert preflight.status == 204
        assert refused.status == 401
        for response in (preflight, refused):
            assert response.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)
            assert "Origin" in response.headers["Vary"]
