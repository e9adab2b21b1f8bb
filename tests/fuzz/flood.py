"""A process that throws datagrams at a port at a steady rate: `python -m tests.fuzz.flood < ORDER.json`.

A process of its own, so that the flood takes no time from the players that are counted.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from gateway.protocol.description import Address

ROOT = Path(__file__).parents[2]
_TICK = 0.005


async def flood(target: Address, datagrams: Sequence[bytes], *, rate: int, seconds: float) -> int:
    """Send `datagrams` in turn for some seconds; how many the kernel took."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.fuzz.flood",
        cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    order = {"target": target, "rate": rate, "seconds": seconds, "datagrams": [d.hex() for d in datagrams]}
    out, _ = await process.communicate(json.dumps(order).encode())
    assert process.returncode == 0
    return int(out)


def _main() -> None:
    order = json.load(sys.stdin)
    datagrams = [bytes.fromhex(text) for text in order["datagrams"]]
    target = (order["target"][0], order["target"][1])
    sent = place = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as attacker:
        begin = time.monotonic()
        while (elapsed := time.monotonic() - begin) < order["seconds"]:
            for _ in range(int(elapsed * order["rate"]) - sent):
                attacker.sendto(datagrams[place], target)
                place = (place + 1) % len(datagrams)
                sent += 1
            time.sleep(_TICK)
    print(sent)


if __name__ == "__main__":
    _main()
