"""A real gateway for a benchmark: its own process, ports, data directory and tokens, all on loopback."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from loadtest.bench.figures import cores, pin, progress

START_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class RunningGateway:
    """Where it is and what opens its doors."""

    pid: int
    base: str
    order_id: str
    publish_token: str = field(repr=False)
    watch_token: str = field(repr=False)

    @property
    def whip(self) -> str:
        return f"{self.base}/whip/{self.order_id}"

    @property
    def whep(self) -> str:
        return f"{self.base}/whep/{self.order_id}"

    def resident_bytes(self) -> int:
        """Resident memory of the process."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def cpu_seconds(self) -> float:
        """Processor time that the process has used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def metric(self, name: str) -> float:
        """The value of a gauge without labels at /metrics."""
        with urllib.request.urlopen(f"{self.base}/metrics", timeout=10) as response:  # noqa: S310 - our own
            for line in response.read().decode().splitlines():
                if line.startswith(f"{name} "):
                    return float(line.split()[1])
        raise LookupError(name)


@contextlib.contextmanager
def gateway() -> Iterator[RunningGateway]:
    """Start a gateway on the first core and keep ourselves on the last; end it afterwards."""
    first, last = cores()
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder:
        environment = _environment(Path(folder))
        base = f"http://127.0.0.1:{environment['GATEWAY_HTTP_PORT']}"
        order = json.loads(_cli(environment, folder, "order", "create", "--title", "benchmark", "--json"))
        tokens = [
            _cli(environment, folder, "token", "--scope", scope, "--order", order["id"]).strip()
            for scope in ("publish", "watch")
        ]
        pin(first)  # the child inherits it
        log = Path(folder) / "gateway.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "gateway", "serve"],
                env=environment,
                cwd=folder,
                stdout=output,
                stderr=output,
            )
        pin(last)
        try:
            _wait_until_ready(process, base, log)
            yield RunningGateway(process.pid, base, order["id"], *tokens)
        finally:
            process.terminate()
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _environment(folder: Path) -> dict[str, str]:
    project = str(Path(__file__).resolve().parents[2])
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


def _cli(environment: dict[str, str], folder: str, *arguments: str) -> str:
    command = [sys.executable, "-m", "gateway", *arguments]
    done = subprocess.run(  # noqa: S603 - our own command line
        command, env=environment, cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout


def _wait_until_ready(process: subprocess.Popen[bytes], base: str, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            urllib.request.urlopen(f"{base}/readyz", timeout=2).close()  # noqa: S310 - our own
            progress(f"gateway ready at {base}")
            return
        time.sleep(0.05)
    raise RuntimeError(f"the gateway did not start: {log.read_text(encoding='utf-8', errors='replace')}")
