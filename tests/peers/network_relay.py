"""Carries packets between two TUN devices with delay and loss: what this kernel has no netem for.

Run by `tests.peers.network` as a process of its own:

    network_relay.py NAMESPACE HOST_DEVICE NAMESPACE_DEVICE

It makes both devices, prints "ready", obeys lines of JSON on standard input (`{"number": …, "delay": seconds
each way, "loss": fraction each way}`), answers each with "done" and its number, and ends with its input.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import random
import select
import struct
import sys
import threading
import time
from collections import deque
from contextlib import suppress

_TUNSETIFF = 0x400454CA
_TUNSETOFFLOAD = 0x400454D0
_TUN_F_CSUM = 0x01
_IFF_TUN, _IFF_NO_PI, _IFF_VNET_HDR = 0x0001, 0x1000, 0x4000
_CLONE_NEWNET = 0x40000000
_LARGEST = 65_536


class Direction:
    """One way: packets wait here until they are due, in order."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.waiting: deque[tuple[float, bytes]] = deque()

    def deliver(self, now: float) -> None:
        """Write what is due."""
        while self.waiting and self.waiting[0][0] <= now:
            packet = self.waiting.popleft()[1]
            with suppress(OSError):  # the device is down: lost, as on any link
                os.write(self.target, packet)


def open_device(name: str, namespace: str | None = None) -> int:
    """Make a TUN device, in a network namespace where one is named; its descriptor."""
    opened: list[int] = []

    def open_here() -> None:
        if namespace is not None:
            with open(f"/run/netns/{namespace}") as handle:
                if ctypes.CDLL(None, use_errno=True).setns(handle.fileno(), _CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
        device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        # A header before each packet carries unfinished checksums to the other end; segmentation offload,
        # which the gateway uses, wants a device that takes them.
        flags = _IFF_TUN | _IFF_NO_PI | _IFF_VNET_HDR
        fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
        fcntl.ioctl(device, _TUNSETOFFLOAD, _TUN_F_CSUM)
        opened.append(device)

    thread = threading.Thread(target=open_here)  # a namespace is a thread's own
    thread.start()
    thread.join()
    return opened[0]


class Relay:
    """Both directions under one set of conditions."""

    def __init__(self, host: int, inner: int) -> None:
        self._ways = {host: Direction(inner), inner: Direction(host)}
        self._random = random.Random(1)
        self._delay = self._loss = 0.0

    def run(self) -> None:
        """Until standard input ends."""
        commands = b""
        while True:
            ready, _, _ = select.select([*self._ways, 0], [], [], self._patience())
            if 0 in ready:
                read = os.read(0, 4096)
                if not read:
                    return
                *lines, commands = (commands + read).split(b"\n")
                for line in lines:
                    self._obey(json.loads(line))
            for device in ready:
                if device:
                    self._read(device)
            now = time.monotonic()
            for way in self._ways.values():
                way.deliver(now)

    def _patience(self) -> float | None:
        due = [way.waiting[0][0] for way in self._ways.values() if way.waiting]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _obey(self, conditions: dict[str, object]) -> None:
        self._delay, self._loss = float(str(conditions["delay"])), float(str(conditions["loss"]))
        print("done", conditions["number"], flush=True)

    def _read(self, device: int) -> None:
        way, due = self._ways[device], time.monotonic() + self._delay
        while True:
            try:
                packet = os.read(device, _LARGEST)
            except BlockingIOError:
                return
            if self._random.random() >= self._loss:
                way.waiting.append((due, packet))


def main() -> None:
    namespace, host, inner = sys.argv[1:4]
    relay = Relay(open_device(host), open_device(inner, namespace))
    # The link must not get slower because the browser behind it keeps the machine busy.
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    print("ready", flush=True)
    relay.run()


if __name__ == "__main__":
    main()
