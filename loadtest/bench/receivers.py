"""A child process that owns the viewers' sockets: `python -m loadtest.bench.receivers COUNT CORE`.

Prints the ports as one line of JSON, then reads what arrives until its standard input ends, then prints
the number of bytes received.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import subprocess
import sys
from collections.abc import Iterator

from loadtest.bench.figures import pin

UDP_GRO = 104
_BUFFER = 1 << 20


class Receivers:
    """The running child as its parent sees it."""

    def __init__(self, process: subprocess.Popen[str], ports: list[int]) -> None:
        self._process = process
        self.ports = ports

    def finish(self) -> int:
        """Stop receiving; the bytes that arrived."""
        out, _ = self._process.communicate(timeout=20)
        return int(out)


@contextlib.contextmanager
def receivers(count: int, core: int) -> Iterator[Receivers]:
    """`count` sockets on 127.0.0.1 in a process pinned to `core`."""
    process = subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "loadtest.bench.receivers", str(count), str(core)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield Receivers(process, json.loads(process.stdout.readline()))
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _main(count: int, core: int) -> None:
    pin(core)
    poll = select.epoll()
    sockets = {}
    for _ in range(count):
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        with contextlib.suppress(OSError):
            receiver.setsockopt(socket.IPPROTO_UDP, UDP_GRO, 1)
        receiver.bind(("127.0.0.1", 0))
        sockets[receiver.fileno()] = receiver
        poll.register(receiver, select.EPOLLIN)
    print(json.dumps([receiver.getsockname()[1] for receiver in sockets.values()]), flush=True)
    poll.register(sys.stdin, select.EPOLLIN | select.EPOLLHUP)
    buffer = bytearray(65_536)
    received = 0
    while True:
        for number, _ in poll.poll():
            if number not in sockets:
                print(received)
                return
            with contextlib.suppress(BlockingIOError):
                received += sockets[number].recv_into(buffer)


if __name__ == "__main__":
    _main(int(sys.argv[1]), int(sys.argv[2]))
