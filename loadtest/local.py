"""A gateway of our own for a load test: process, ports, data, orders and tokens, all on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

from gateway.access.grants import Scope
from gateway.access.records import NewOrder
from gateway.clock import SystemClock
from gateway.config import load_settings
from gateway.storage.access_services import access_services
from gateway.storage.database import Database
from loadtest.targets import Customer, Order, Target

START_TIMEOUT = 30.0
STOP_TIMEOUT = 15.0
_TOKEN_LIFE = 24 * 3600.0


class NoGateway(Exception):
    """The gateway did not start; has its log in it."""


@contextlib.contextmanager
def local_gateway(orders: int = 1, core: int | None = None) -> Iterator[Target]:
    """Start a gateway with so many orders, on one core if named; end it afterwards. Raises NoGateway."""
    with tempfile.TemporaryDirectory(prefix="loadtest-") as name:
        folder = Path(name)
        environment = _environment(folder)
        made, customer = asyncio.run(_furnish(environment, folder, orders))
        log = folder / "gateway.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "gateway", "serve"],
                env=environment,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C ends the viewers first
            )
        if core is not None:
            os.sched_setaffinity(process.pid, {core})
        url = f"http://127.0.0.1:{environment['GATEWAY_HTTP_PORT']}"
        try:
            _wait_until_ready(process, url, log)
            yield Target(url, made, customer=customer, pid=process.pid)
        finally:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


async def _furnish(
    environment: Mapping[str, str], folder: Path, orders: int
) -> tuple[tuple[Order, ...], Customer]:
    """Orders, their tokens, and a customer's login, before the gateway starts."""
    settings = load_settings(environ=environment, env_file=folder / "none")
    database = Database.of(settings)
    try:
        await database.prepare()
        access = access_services(settings, database, SystemClock())
        made = []
        for number in range(orders):
            order = await access.orders.create(NewOrder(f"load test {number + 1}"))
            tokens = [
                access.tokens.issue(subject=subject, scopes=scopes, ttl=_TOKEN_LIFE, order_id=order.id).token
                for subject, scopes in (
                    ("loadtest-publisher", {Scope.PUBLISH}),
                    ("loadtest-viewer", {Scope.WATCH, Scope.TALK}),
                )
            ]
            made.append(Order(order.id, *tokens))
        created = await access.accesses.create(made[0].name, _TOKEN_LIFE)
        return tuple(made), Customer(created.login, created.password)
    finally:
        await database.close()


def _environment(folder: Path) -> dict[str, str]:
    project = str(Path(__file__).resolve().parents[1])
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    return clean | {
        "PYTHONPATH": os.pathsep.join(filter(None, (project, os.environ.get("PYTHONPATH")))),
        "GATEWAY_DATA_DIR": str(folder / "data"),
        "GATEWAY_HTTP_PORT": str(_free_port(socket.SOCK_STREAM)),
        "GATEWAY_MEDIA_HOST": "127.0.0.1",
        "GATEWAY_MEDIA_PORT": str(_free_port(socket.SOCK_DGRAM)),
        "GATEWAY_LOG_LEVEL": "warning",
    }


def _free_port(kind: int) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            urllib.request.urlopen(f"{url}/readyz", timeout=2).close()  # noqa: S310 - our own
            return
        time.sleep(0.05)
    raise NoGateway(f"the gateway did not start: {log.read_text(encoding='utf-8', errors='replace')}")
