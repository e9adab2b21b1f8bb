"""What the machine itself adds: datagrams to a bare echo on the gateway's core and back, in the same run.

The child `python -m loadtest.bench.echo CORE` prints its port and returns what it gets until it is ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import subprocess
import sys
import time
from collections.abc import AsyncIterator

from gateway.client.udp import UdpSocket
from loadtest.bench.figures import pin

INTERVAL = 0.02
_STAMP = struct.Struct("!d")


@contextlib.asynccontextmanager
async def echo_samples(core: int, size: int = 1_200) -> AsyncIterator[list[float]]:
    """Milliseconds from `sendto` to the kernel's timestamp of the return, growing while the block runs."""
    process = subprocess.Popen(  # noqa: ASYNC220, S603 - our own module, and nothing else to do yet
        [sys.executable, "-m", "loadtest.bench.echo", str(core)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    address = ("127.0.0.1", int(process.stdout.readline()))
    samples: list[float] = []
    probe = UdpSocket("127.0.0.1", timestamps=True)

    def returned() -> None:
        for data, _ in probe.receive():
            if probe.arrived_at is not None:
                samples.append((probe.arrived_at - _STAMP.unpack_from(data)[0]) * 1_000)

    async def ask() -> None:
        while True:
            probe.send(_STAMP.pack(time.time()).ljust(size, b"\0"), address)
            await asyncio.sleep(INTERVAL)

    loop = asyncio.get_running_loop()
    loop.add_reader(probe.fileno(), returned)
    asking = asyncio.create_task(ask(), name="echo")
    try:
        yield samples
    finally:
        asking.cancel()
        loop.remove_reader(probe.fileno())
        probe.close()
        process.kill()
        process.wait()


def _main(core: int) -> None:
    pin(core)
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    print(server.getsockname()[1], flush=True)
    while True:
        data, address = server.recvfrom(2_048)
        server.sendto(data, address)


if __name__ == "__main__":
    _main(int(sys.argv[1]))
