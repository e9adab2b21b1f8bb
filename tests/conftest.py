"""Fixtures that every kind of test shares, and the list of named skips at the end of a run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests import components
from tests.gateway_server import GatewayServer, gateway_server
from tests.peers import postgresql


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not components.missing:
        return
    terminalreporter.section("skipped for want of a real component")
    for name, count in sorted(components.missing.items()):
        terminalreporter.line(f"{name}: {count} test{'s' if count > 1 else ''}")


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[postgresql.Server]:
    """One PostgreSQL on loopback for the whole run."""
    components.real_component("PostgreSQL", postgresql.PROGRAMS)
    with postgresql.server() as running:
        yield running


@pytest.fixture
def postgresql_url(postgresql_server: postgresql.Server) -> str:
    """`postgresql://…` of a fresh, empty database."""
    return postgresql_server.new_database()


class _BlankPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<!doctype html><title>Somebody else's page</title><body></body>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: the page is not what is tested."""


@pytest.fixture(scope="session")
def foreign_page() -> Iterator[str]:
    """The URL of an empty page whose origin is not the gateway's."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _BlankPage)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, foreign_page: str) -> Iterator[GatewayServer]:
    """A gateway for the tests of one file; each test makes an order of its own."""
    with gateway_server(tmp_path_factory.mktemp("gateway"), foreign_origin=foreign_page) as server:
        yield server


@pytest.fixture
def order(gateway: GatewayServer) -> str:
    """The id of an order that no other test uses."""
    return gateway.order()
