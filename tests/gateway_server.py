"""A real gateway in a process of its own, on free ports, with its own data folder."""

from __future__ import annotations

import ipaddress
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ifaddr

from gateway.access.grants import Scope
from gateway.access.tokens import Tokens
from gateway.clock import SystemClock

ROOT = Path(__file__).parents[1]
START_DEADLINE = 30.0
STOP_DEADLINE = 15.0


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def media_settings() -> dict[str, str]:
    """The defaults, as users have them; loopback only on a machine that has nothing else.

    Firefox and GStreamer do not pair their own addresses with a candidate on 127.0.0.1.
    """
    addresses = (ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips if ip.is_IPv4)
    if any(not ipaddress.ip_address(address).is_loopback for address in addresses):
        return {}
    return {"media_host": "127.0.0.1", "announced_ips": "127.0.0.1"}


@dataclass(frozen=True)
class GatewayServer:
    """A running gateway and the means to open doors in it."""

    url: str
    environment: dict[str, str]
    log: Path

    def command(self, *arguments: str) -> dict[str, Any]:
        """Run `gateway … --json` beside the server and return the object that it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "gateway", *arguments, "--json"],
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, f"gateway {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return dict(json.loads(done.stdout))

    def order(self) -> str:
        """The id of a new order."""
        return str(self.command("order", "create", "--title", "Phone, broken glass")["id"])

    def token(self, order_id: str, *scopes: Scope, subject: str = "tester", ttl: float = 900) -> str:
        """A token as the gateway itself would sign it, for any subject."""
        tokens = Tokens(self.environment["GATEWAY_JWT_SECRET"], SystemClock())
        issued = tokens.issue(subject=subject, scopes=scopes, ttl=ttl, order_id=order_id)
        return issued.token

    def publish_token(self, order_id: str, *, subject: str = "technician") -> str:
        return self.token(order_id, Scope.PUBLISH, subject=subject)

    def watch_token(self, order_id: str, *, subject: str = "customer") -> str:
        return self.token(order_id, Scope.WATCH, subject=subject)


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + START_DEADLINE
    while True:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=2):
                return
        except (OSError, urllib.error.HTTPError):
            pass
        assert process.poll() is None, f"the gateway ended with {process.returncode}:\n{log.read_text()}"
        assert time.monotonic() < end, f"not ready within {START_DEADLINE} s:\n{log.read_text()}"
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_DEADLINE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise AssertionError(f"the gateway did not end within {STOP_DEADLINE} s of SIGTERM") from None


@contextmanager
def gateway_server(
    folder: Path, *, foreign_origin: str | None = None, **settings: str
) -> Iterator[GatewayServer]:
    """Start `gateway serve`, wait until it is ready, and in the end see it stop without a traceback.

    `settings` are names of the configuration in lower case without their prefix. Pages of
    `foreign_origin` may use the gateway as its own do.
    """
    host, port = settings.get("http_host", "127.0.0.1"), free_port(socket.SOCK_STREAM)
    url = f"http://{host}:{port}"
    chosen = {
        "http_host": host,
        "http_port": str(port),
        **media_settings(),
        "media_port": str(free_port(socket.SOCK_DGRAM)),
        "public_url": url,
        "data_dir": str(folder / "data"),
        "jwt_secret": secrets.token_urlsafe(48),
        "log_level": "info",
        **({"allowed_origins": f"{url},{foreign_origin}"} if foreign_origin else {}),
        **settings,
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    environment = {**inherited, **{f"GATEWAY_{name.upper()}": value for name, value in chosen.items()}}
    if "database_url" in settings:
        # Only an embedded database is migrated by `serve` itself.
        subprocess.run([sys.executable, "-m", "gateway", "migrate"], env=environment, cwd=ROOT, check=True)
    log = folder / "gateway.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "serve"],
            env=environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_ready(process, url, log)
        yield GatewayServer(url, environment, log)
    finally:
        _stop(process)
    text = log.read_text(errors="replace")
    assert "Traceback" not in text, f"a traceback in the gateway's log:\n{text[-8_000:]}"
