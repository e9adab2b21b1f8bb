"""What the tests of bad networks and of joining share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.components import real_component
from tests.gateway_server import GatewayServer, gateway_server
from tests.peers import network


@pytest.fixture(scope="module")
def distant_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayServer]:
    """A gateway at an address of its own, which network namespaces reach over whatever links they have."""
    real_component("network namespaces (root, iproute2, TUN)", network.available())
    with network.own_address() as address:
        hosts = dict.fromkeys(("http_host", "media_host", "announced_ips"), address)
        with gateway_server(tmp_path_factory.mktemp("distant-gateway"), **hosts) as server:
            yield server
