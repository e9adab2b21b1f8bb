"""Network namespaces that are reached only through bad links, on one machine and without netem.

The rate of a link and its queue are the kernel's own token bucket (`tc … tbf`) on the host's end; delay and
loss are made by `network_relay`, a process with real-time priority between the two ends.
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.peers.processes import Process, running

RELAY = Path(__file__).with_name("network_relay.py")
BURST = 4_000
"""Octets that the token bucket lets through at once: little more than two packets."""
_COMMAND_DEADLINE = 10.0
_SHARED = ipaddress.ip_network("100.64.0.0/10")
_numbers = itertools.count()


@dataclass(frozen=True)
class Conditions:
    """What a link is like. The rate and the queue are those towards the namespace; the rest is each way."""

    rate: float | None = None
    """Bits per second; None is as fast as the machine."""
    queue: float = 0.3
    """Seconds of packets that wait at most; later ones are dropped."""
    delay: float = 0.02
    """Seconds each way."""
    loss: float = 0.0
    """Fraction of packets lost at random each way."""


@functools.cache
def available() -> bool:
    """Whether namespaces, TUN devices and token buckets can be had here."""
    if os.geteuid() or not all((shutil.which("ip"), shutil.which("tc"), os.path.exists("/dev/net/tun"))):
        return False
    name = f"probe-{os.getpid()}"
    commands = (
        f"ip netns add {name}",
        f"tc -n {name} qdisc add dev lo root tbf rate 1mbit burst {BURST} limit 9000",
        f"ip -n {name} tuntap add dev probe mode tun",
        f"ip netns del {name}",
    )
    statuses = [subprocess.run(x.split(), capture_output=True, timeout=30).returncode for x in commands]
    return not any(statuses)


async def _run(command: str) -> str:
    child = await asyncio.create_subprocess_exec(
        *command.split(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await asyncio.wait_for(child.communicate(), _COMMAND_DEADLINE)
    assert child.returncode == 0, f"{command}: {errors.decode()}"
    return output.decode()


@dataclass(frozen=True)
class Link:
    """One way into a namespace."""

    namespace: str
    host_device: str
    device: str
    """The device's name inside the namespace."""
    inner: str
    """The address that the device has there."""
    relay: Process

    async def become(self, conditions: Conditions) -> None:
        """Change the link under whoever uses it."""
        bucket = f"dev {self.host_device} root"
        if conditions.rate is None:
            await _run(f"tc qdisc replace {bucket} pfifo limit 1000")
        else:
            rate, limit = round(conditions.rate), round(conditions.rate * conditions.queue / 8) + BURST
            await _run(f"tc qdisc replace {bucket} tbf rate {rate}bit burst {BURST} limit {limit}")
        number = next(_numbers)
        command = {"number": number, "delay": conditions.delay, "loss": conditions.loss}
        assert self.relay.child.stdin
        self.relay.child.stdin.write(json.dumps(command).encode() + b"\n")
        await self.relay.line(lambda line: line == f"done {number}")

    async def take_default_route(self) -> None:
        """Everything that leaves the namespace takes this link from now on."""
        await _run(f"ip -n {self.namespace} route replace default dev {self.device} src {self.inner}")

    async def go_down(self) -> None:
        """The device and its address go away, as Wi-Fi does at the front door."""
        await _run(f"ip -n {self.namespace} address flush dev {self.device}")
        await _run(f"ip -n {self.namespace} link set {self.device} down")


class Namespace:
    """A namespace made for one test; its links end with it."""

    def __init__(self, name: str, stack: AsyncExitStack) -> None:
        self.name = name
        self._stack = stack

    async def join(self, device: str, conditions: Conditions) -> Link:
        """Another link into it, whose device has this name inside. The first takes the default route."""
        number = next(_numbers)
        host, inner = _addresses(number)
        host_device = f"tl{os.getpid()}x{number}"
        command = (sys.executable, str(RELAY), self.name, host_device, device)
        relay = await self._stack.enter_async_context(running(*command, listens=True))
        await relay.line_with("ready")
        for end, address in ((f"-n {self.name}", inner), ("", host)):
            name = device if end else host_device
            await _run(f"ip {end} address add {address}/30 dev {name}")
            await _run(f"ip {end} link set {name} mtu 1500 up")
        link = Link(self.name, host_device, device, inner, relay)
        await link.become(conditions)
        if not await _run(f"ip -n {self.name} route show default"):
            await link.take_default_route()
        return link


def _addresses(number: int) -> list[str]:
    """Two neighbours of a /30 that is this process's own, within 100.64.0.0/10."""
    place = (os.getpid() * 64 + number) % (1 << 20)
    return [str(_SHARED[(place << 2) + offset]) for offset in (1, 2)]


@contextmanager
def own_address() -> Iterator[str]:
    """An address of this machine that every namespace reaches, over whatever links it has."""
    address = _addresses(next(_numbers))[0]
    subprocess.run(f"ip address add {address}/32 dev lo".split(), check=True, timeout=_COMMAND_DEADLINE)
    try:
        yield address
    finally:
        subprocess.run(f"ip address del {address}/32 dev lo".split(), check=True, timeout=_COMMAND_DEADLINE)


@asynccontextmanager
async def namespace() -> AsyncIterator[Namespace]:
    """A namespace with nothing but loopback, gone in the end with all that led to it."""
    name = f"behind-{os.getpid()}-{next(_numbers)}"
    await _run(f"ip netns add {name}")
    try:
        await _run(f"ip -n {name} link set lo up")
        async with AsyncExitStack() as stack:
            yield Namespace(name, stack)
    finally:
        await _run(f"ip netns del {name}")
