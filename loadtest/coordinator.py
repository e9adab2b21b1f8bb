"""Runs the workers of one load test: publishers first, then as many viewers as are wanted; ends them all.

`LoadTest` is used as an asynchronous context manager; leaving it ends every process, whatever happened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType

from gateway.clock import Clock, SystemClock
from loadtest.machine import Cores
from loadtest.measurement import Measurement, Sample, Window
from loadtest.messages import (
    CheckJob,
    Command,
    Endpoint,
    Job,
    LoginJob,
    PagesJob,
    PublishJob,
    Role,
    Tick,
    WatchJob,
)
from loadtest.scenario import PROFILES, Scenario
from loadtest.server import NoProbe, Probe, Reading
from loadtest.targets import Target
from loadtest.workers import Worker, WorkerFailed

PUBLISH_TIMEOUT = 30.0
"""Seconds until every publisher must send."""
JOIN_TIMEOUT = 15.0
"""Seconds that the last viewer may take after it was begun."""
_LOOK = 0.1
"""Seconds between two looks at whether what is waited for has come."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a run needs to know."""

    scenario: Scenario
    target: Target
    cores: Cores
    probe: Probe = field(default_factory=NoProbe)
    commands: Mapping[Role, Sequence[str]] = field(default_factory=dict)
    """Command lines of other workers than ours, by role."""

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """One for each camera of each order."""
        return self.target.endpoints(self.scenario.publish.cameras)


class LoadTest:
    """One set of workers, from their start to their end."""

    def __init__(self, plan: Plan, show: Callable[[Sample], None] = lambda _: None) -> None:
        self.plan = plan
        self._clock: Clock = SystemClock()
        self.measurement = Measurement(self._clock.time())
        self.idle: Reading | None = None
        """The server with its publishers and without viewers."""
        self.phase = "start"
        self._show = show
        self._workers: list[Worker] = []
        self._sampler: asyncio.Task[None] | None = None
        self._wanted = 0

    async def __aenter__(self) -> LoadTest:
        """Start publishers and wait until they send; start the others. Raises WorkerFailed."""
        self._sampler = asyncio.create_task(self._sample(), name="load test samples")
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def viewers(self, number: int) -> bool:
        """Have so many viewers, without touching those that stay. False if they do not all come in time."""
        self.phase = "ramp"
        before, self._wanted = self._wanted, number
        self.measurement.want()
        watching = self._of("watch")
        for place, worker in enumerate(watching):
            worker.send(Command("sessions", _part(number, place, len(watching))))
        # Who comes and goes is seldom there completely.
        enough = number * (0.95 if self.plan.scenario.watch.stay else 1.0)
        ramp = max(0, number - before) / self.plan.scenario.watch.ramp
        return await self._until(
            lambda: enough <= self.measurement.sessions("watch") <= max(number, enough), ramp + JOIN_TIMEOUT
        )

    async def measure(self, warmup: float, duration: float) -> Window:
        """Let the viewers settle, then count for `duration` seconds. Raises WorkerFailed."""
        self.phase = "warm-up"
        await self._until(lambda: False, warmup)
        for worker in self._workers:
            worker.send(Command("measure"))
        reading = await self.plan.probe.read(fresh=True)
        self.measurement.begin(self._clock.time(), self._wanted, reading)
        self.phase = "measure"
        await self._until(lambda: False, duration)
        return self.measurement.end(self._clock.time(), await self.plan.probe.read(fresh=True))

    async def stop(self) -> None:
        """End every worker: who watches first, publishers last. May be called again."""
        self.phase = "stop"
        await asyncio.gather(*(worker.stop() for worker in self._workers if worker.job.role != "publish"))
        await asyncio.gather(*(worker.stop() for worker in self._of("publish")))
        sampler, self._sampler = self._sampler, None
        if sampler is not None:
            sampler.cancel()
            await asyncio.gather(sampler, return_exceptions=True)

    async def _start(self) -> None:
        for name, job in publishers(self.plan):
            await self._begin(name, job)
        self.phase = "publish"
        wanted = len(self.plan.endpoints)
        if not await self._until(lambda: self.measurement.sessions("publish") >= wanted, PUBLISH_TIMEOUT):
            sending = self.measurement.sessions("publish")
            failed = self.measurement.whole["publish"].failed if "publish" in self.measurement.whole else {}
            why = ", ".join(f"{reason} ({count})" for reason, count in failed.items()) or "no reason was told"
            raise WorkerFailed(f"only {sending} of {wanted} publishers send: {why}")
        self.idle = await self.plan.probe.read(fresh=True)
        await asyncio.gather(*(self._begin(name, job) for name, job in audience(self.plan)))

    async def _begin(self, name: str, job: Job) -> None:
        worker = Worker(name, job, self._ticked, self.plan.commands.get(job.role))
        self._workers.append(worker)
        await worker.start()

    def _of(self, role: Role) -> list[Worker]:
        return [worker for worker in self._workers if worker.job.role == role]

    def _ticked(self, worker: Worker, tick: Tick) -> None:
        self.measurement.add(worker.name, worker.job.role, tick)

    async def _until(self, arrived: Callable[[], bool], seconds: float) -> bool:
        """Wait for a condition; False when it did not come. Raises WorkerFailed when a worker ends."""
        end = self._clock.monotonic() + seconds
        while not arrived():
            left = end - self._clock.monotonic()
            if left <= 0:
                return False
            for worker in self._workers:
                if worker.ended.done():
                    worker.ended.result()
            await asyncio.sleep(min(left, _LOOK))
        return True

    async def _sample(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            reading = await self.plan.probe.read()
            self._show(self.measurement.sample(self._clock.time(), self.phase, reading))


def publishers(plan: Plan) -> list[tuple[str, Job]]:
    """The process that publishes."""
    publish = plan.scenario.publish
    job = PublishJob(
        endpoints=plan.endpoints,
        codec=publish.codec,
        layers=publish.layers,
        audio=publish.audio,
        keyframe_seconds=publish.keyframe_seconds,
        pace=publish.pace,
        core=plan.cores.others,
    )
    return [("publisher", job)]


def audience(plan: Plan) -> list[tuple[str, Job]]:
    """The processes that watch, decode, listen and log in, by name."""
    scenario, cores = plan.scenario, plan.cores
    watch, clients = scenario.watch, scenario.clients
    count = len(cores.watch)
    endpoints, target = plan.endpoints, plan.target
    jobs: list[tuple[str, Job]] = []
    for place, core in enumerate(cores.watch):
        job = WatchJob(
            endpoints=_turned(endpoints, place, count),
            ramp=watch.ramp / count,
            stay=watch.stay,
            feedback=watch.feedback,
            nack=watch.nack,
            talkers=_part(watch.talkers, place, count),
            loss=PROFILES[scenario.network.profile].loss,
            core=core,
        )
        jobs.append((f"viewers {place + 1}", job))
    if watch.checked:
        jobs.append(("decoding viewers", CheckJob(endpoints, watch.checked, cores.others)))
    if clients.pages:
        jobs.append(("pages", PagesJob(target.url, endpoints[0].watch_token, clients.pages, cores.others)))
    if clients.logins_per_second and target.customer is not None:
        customer, rate = target.customer, clients.logins_per_second
        login = LoginJob(target.url, customer.login, customer.password, rate, cores.others)
        jobs.append(("logins", login))
    return jobs


def _part(number: int, place: int, count: int) -> int:
    """What one of `count` workers has of a number, so that the sum is right."""
    return number * (place + 1) // count - number * place // count


def _turned(endpoints: tuple[Endpoint, ...], place: int, count: int) -> tuple[Endpoint, ...]:
    """The endpoints from another one on for each worker, so that few viewers are not all on the first."""
    start = len(endpoints) * place // count
    return endpoints[start:] + endpoints[:start]
