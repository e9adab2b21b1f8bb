"""A worker process that speaks the protocol and makes its figures up, ten ticks a second.

`python fake_worker.py [name=value …]`: `limit` viewers go well, with more a hundredth of the packets is lost.
`lag` in seconds (with `lag_from` viewers or more) and `drops` are the generator's troubles. `die` seconds
after its start it ends by itself, with `deaf=1` not even when told; `obeys` are optional fields of the job.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time

from loadtest.messages import CheckJob, Job, PublishJob, Tick, WatchJob, read_command, read_job

INTERVAL = 0.1


class Worker:
    def __init__(self, job: Job, options: dict[str, str]) -> None:
        self.job = job
        self.limit = int(options.get("limit", "1000000"))
        self.lag = float(options.get("lag", "0"))
        self.lag_from = int(options.get("lag_from", "0"))
        self.drops = int(options.get("drops", "0"))
        self.wanted = 0
        self.sessions = 0
        self.since = time.time()

    def tick(self) -> Tick:
        now = time.time()
        tick = Tick(at=now, seconds=max(1e-6, now - self.since), cpu=(now - self.since) * 0.25)
        self.since = now
        if isinstance(self.job, PublishJob):
            self.sessions = len(self.job.endpoints)
        elif isinstance(self.job, CheckJob):
            self.sessions = self.job.viewers
            tick.pictures = 2
            tick.glass.add(90.0)
        elif isinstance(self.job, WatchJob):
            self.watch(tick)
        tick.sessions = self.sessions
        return tick

    def watch(self, tick: Tick) -> None:
        if self.wanted > self.sessions:
            tick.opened = self.wanted - self.sessions
            tick.join.add(120.0, tick.opened)
        self.sessions = self.wanted
        tick.packets = round(self.sessions * 100 * tick.seconds)
        tick.octets = tick.packets * 1000
        if tick.packets:
            tick.latency.add(4.0, tick.packets)
        if self.sessions > self.limit:
            tick.missing = tick.lost = tick.packets // 100 + 1
        tick.lag, tick.kernel_drops = self.lag if self.sessions >= self.lag_from else 0.0, self.drops


def read_line() -> str:
    """A line without buffering what follows it, so that `select` tells the truth."""
    line = b""
    while not line.endswith(b"\n"):
        octet = os.read(0, 1)
        if not octet:
            break
        line += octet
    return line.decode()


def main() -> None:
    options = dict(argument.split("=", 1) for argument in sys.argv[1:])
    deaf = "deaf" in options
    if deaf:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    worker = Worker(read_job(read_line()), options)
    obeys = options.get("obeys", "")
    print('{"event": "ready", "obeys": [%s]}' % (f'"{obeys}"' if obeys else ""), flush=True)
    end = time.monotonic() + float(options.get("die", "60"))
    while time.monotonic() < end:
        readable, _, _ = select.select([] if deaf else [0], [], [], INTERVAL)
        if readable:
            line = read_line()
            if not line:
                return
            command = read_command(line)
            if command.do == "stop":
                print(worker.tick().to_json(), flush=True)
                return
            if command.do == "sessions":
                worker.wanted = command.number
            continue
        print(worker.tick().to_json(), flush=True)
    print("out of memory, or so", file=sys.stderr)
    sys.exit(3)


if __name__ == "__main__":
    main()
