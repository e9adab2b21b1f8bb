"""One gateway and one order for the whole folder; every stage has a camera of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.gateway_server import GatewayServer, gateway_server


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayServer]:
    """Attacked by all tests; in the end it stops in order, without a traceback in its log."""
    with gateway_server(tmp_path_factory.mktemp("gateway"), media_host="127.0.0.1") as server:
        yield server


@pytest.fixture(scope="session")
def order(gateway: GatewayServer) -> str:
    return gateway.order()
