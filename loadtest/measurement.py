"""What the workers counted, added up: over the whole run, over the judged time, and second by second."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from loadtest.messages import Role, Tick
from loadtest.server import Reading

_EARLY = 0.05
"""Seconds that a tick may have begun before the judged time: `measure` takes a moment to reach a worker."""
_VIEWERS: tuple[Role, ...] = ("watch",)


def nothing() -> Tick:
    """A tick to add others to."""
    return Tick(at=0.0, seconds=0.0)


@dataclass(slots=True)
class WorkerLoad:
    """How busy one worker process was during the judged time."""

    name: str
    role: Role
    cpu: float = 0.0
    """CPU seconds."""
    seconds: float = 0.0
    sessions: float = 0.0
    """Sessions by seconds that they were there."""
    packets: int = 0
    octets: int = 0
    kernel_drops: int = 0
    lags: list[float] = field(default_factory=list)
    """The longest wait of a ready socket in each second, in seconds."""

    @property
    def cores(self) -> float:
        """Share of a core that it used."""
        return self.cpu / self.seconds if self.seconds else 0.0

    @property
    def lag_p95(self) -> float:
        """What the longest waits of 95 of 100 seconds did not exceed, in seconds."""
        ordered = sorted(self.lags)
        return ordered[int(0.95 * (len(ordered) - 1))] if ordered else 0.0


@dataclass(slots=True)
class Window:
    """What was counted in a time that is judged."""

    began: float
    """Unix time."""
    roles: dict[Role, Tick] = field(default_factory=dict)
    workers: dict[str, WorkerLoad] = field(default_factory=dict)
    wanted: int = 0
    """Viewers that there should have been."""
    opening: dict[Role, Tick] = field(default_factory=dict)
    """What was counted from the moment these viewers were wanted: joins and failures belong to them too."""
    server: tuple[Reading, Reading] | None = None
    """First and last look at the server."""
    seconds: float = 0.0

    def of(self, *roles: Role) -> Tick:
        """The sum of some roles in the judged time."""
        return _sum(self.roles, roles)

    def since_wanted(self, *roles: Role) -> Tick:
        """The sum of some roles since their sessions were wanted."""
        return _sum(self.opening, roles)

    @property
    def viewers(self) -> float:
        """Mean number of viewers."""
        return self._rate(lambda load: load.sessions)

    @property
    def packets_per_second(self) -> float:
        """What all viewers got together."""
        return self._rate(lambda load: load.packets)

    @property
    def mbit_per_second(self) -> float:
        """What all viewers got together."""
        return self._rate(lambda load: load.octets) * 8e-6

    @property
    def viewer_minutes(self) -> float:
        """Viewers by minutes that they watched."""
        return sum(load.sessions for load in self._watching()) / 60

    def _watching(self) -> list[WorkerLoad]:
        return [load for load in self.workers.values() if load.role in _VIEWERS and load.seconds]

    def _rate(self, read: Callable[[WorkerLoad], float]) -> float:
        """Workers begin and end their ticks when they like: each has a time of its own."""
        return sum(read(load) / load.seconds for load in self._watching())


def _sum(ticks: dict[Role, Tick], roles: Iterable[Role]) -> Tick:
    total = nothing()
    for role in roles:
        if role in ticks:
            total.add(ticks[role])
    return total


@dataclass(frozen=True, slots=True)
class Sample:
    """One second of the run, for plots. Times in milliseconds, None where nothing was seen."""

    at: float
    """Seconds since the start."""
    phase: str
    sessions: int
    opening: int
    packets: float
    kbit: float
    lost: float | None
    """Share of packets."""
    missing: float | None
    latency_p50: float | None
    latency_p99: float | None
    join_p95: float | None
    freezes: int
    failed: int
    generator_cpu: float
    """Share of a core of the busiest worker."""
    lag: float
    server_cpu: float | None
    """Cores that the server used."""
    server_mb: float | None


class Measurement:
    """Takes ticks as they come, from any worker; `sample` once a second."""

    def __init__(self, started: float) -> None:
        self.started = started
        self.samples: list[Sample] = []
        self.whole: dict[Role, Tick] = {}
        self.window: Window | None = None
        self._since_wanted: dict[Role, Tick] = {}
        self._pending: dict[Role, Tick] = {}
        self._latest: dict[str, tuple[Role, Tick]] = {}
        self._reading: Reading | None = None
        self._ended = False

    def sessions(self, *roles: Role) -> int:
        """Sessions of these roles as of now."""
        return sum(tick.sessions for role, tick in self._latest.values() if role in roles)

    def opening(self, *roles: Role) -> int:
        """Sessions of these roles that are being opened."""
        return sum(tick.opening for role, tick in self._latest.values() if role in roles)

    def add(self, worker: str, role: Role, tick: Tick) -> None:
        """A worker ticked."""
        self._latest[worker] = (role, tick)
        for ticks in (self.whole, self._since_wanted, self._pending):
            ticks.setdefault(role, nothing()).add(tick)
        window = self.window
        if window is None or self._ended or tick.at - tick.seconds < window.began - _EARLY:
            return
        window.roles.setdefault(role, nothing()).add(tick)
        load = window.workers.setdefault(worker, WorkerLoad(worker, role))
        load.cpu += tick.cpu
        load.seconds += tick.seconds
        load.sessions += tick.sessions * tick.seconds
        load.packets += tick.packets
        load.octets += tick.octets
        load.kernel_drops += tick.kernel_drops
        load.lags.append(tick.lag)

    def want(self) -> None:
        """Other viewers are wanted from now on: the joins and failures before are not theirs."""
        self._since_wanted = {}

    def begin(self, now: float, wanted: int, server: Reading | None) -> Window:
        """The judged time begins at Unix time `now`."""
        self._ended = False
        self.window = Window(began=now, wanted=wanted, opening=self._since_wanted)
        if server is not None:
            self.window.server = (server, server)
        return self.window

    def end(self, now: float, server: Reading | None) -> Window:
        """The judged time is over; ticks that come later are not of it."""
        assert self.window is not None
        self._ended = True
        self.window.opening = copy.deepcopy(self._since_wanted)
        self.window.seconds = now - self.window.began
        if server is not None and self.window.server is not None:
            self.window.server = (self.window.server[0], server)
        return self.window

    def sample(self, now: float, phase: str, server: Reading | None) -> Sample:
        """One more second; `now` is Unix time."""
        pending, self._pending = self._pending, {}
        seen = _sum(pending, _VIEWERS)
        every = _sum(pending, pending)
        rates = [tick for role, tick in self._latest.values() if role in _VIEWERS and tick.seconds > 0]
        total = seen.packets + seen.lost
        busy = [tick.cpu / tick.seconds for _, tick in self._latest.values() if tick.seconds > 0]
        cpu, self._reading = _server_cpu(self._reading, server)
        sample = Sample(
            at=round(now - self.started, 2),
            phase=phase,
            sessions=self.sessions(*_VIEWERS),
            opening=self.opening(*_VIEWERS),
            packets=round(sum(tick.packets / tick.seconds for tick in rates), 1),
            kbit=round(sum(tick.octets * 8e-3 / tick.seconds for tick in rates), 1),
            lost=seen.lost / total if total else None,
            missing=seen.missing / total if total else None,
            latency_p50=seen.latency.percentile(0.5),
            latency_p99=seen.latency.percentile(0.99),
            join_p95=seen.join.percentile(0.95),
            freezes=seen.freezes,
            failed=sum(every.failed.values()),
            generator_cpu=round(max(busy, default=0.0), 3),
            lag=round(every.lag * 1000, 2),
            server_cpu=cpu,
            server_mb=round(server.resident / 1e6, 2) if server else None,
        )
        self.samples.append(sample)
        return sample


def _server_cpu(before: Reading | None, now: Reading | None) -> tuple[float | None, Reading | None]:
    """Cores used between two looks; the older one is kept until a newer has come."""
    if now is None or before is None or now.at <= before.at:
        return None, now or before
    return round((now.cpu - before.cpu) / (now.at - before.at), 3), now
