"""A real gateway for a benchmark, on a core of its own."""

from __future__ import annotations

import contextlib
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field

from loadtest.bench.figures import cores, pin, progress
from loadtest.local import local_gateway
from loadtest.server import cpu_seconds, resident_bytes


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
        return resident_bytes(self.pid)

    def cpu_seconds(self) -> float:
        """Processor time that the process has used so far."""
        return cpu_seconds(self.pid)

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
    with local_gateway(core=first) as target:
        pin(last)
        assert target.pid is not None
        order = target.orders[0]
        progress(f"gateway ready at {target.url}")
        yield RunningGateway(target.pid, target.url, order.name, order.publish_token, order.watch_token)
