"""The command line's options, made into a scenario, a target and a plan."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiohttp

from loadtest import adapters, machine
from loadtest.admin import AdminOrders
from loadtest.coordinator import Plan
from loadtest.result import Result
from loadtest.scenario import SCENARIOS, Scenario, Thresholds, load, with_options
from loadtest.server import MetricsProbe, NoProbe, Probe, ProcessProbe
from loadtest.targets import Order, Target

USUAL = Thresholds(
    loss=0.001,
    join_p95_ms=2000.0,
    latency_p99_ms=100.0,
    freezes_per_viewer_minute=0.1,
    failed_sessions=0.0,
    wrong_pictures=0,
)
"""What must hold where no scenario says otherwise."""


class UsageError(Exception):
    """The options do not go together; says which and what to give instead."""


@dataclass(frozen=True, slots=True)
class Where:
    """Which server, and what opens it."""

    url: str
    orders: Sequence[str] = ()
    publish_tokens: Sequence[str] = field(default=(), repr=False)
    watch_tokens: Sequence[str] = field(default=(), repr=False)
    adapter: str = "whip"
    admin_login: str | None = None
    admin_password: str | None = field(default=None, repr=False)
    local: bool = False
    gateway_pid: int | None = None
    workers: int = 0


def scenario_of(
    name: str | None, viewers: int | None, bitrate: int | None, duration: float | None
) -> Scenario:
    """The scenario of a file, or of a name among ours, with options over it. Raises ScenarioError."""
    if name is None:
        scenario = Scenario(thresholds=USUAL)
    else:
        ours = SCENARIOS / f"{name}.toml"
        scenario = load(ours if not Path(name).exists() and ours.is_file() else Path(name))
    return with_options(scenario, viewers=viewers, bitrate=bitrate, duration=duration)


def fitted(where: Where, scenario: Scenario) -> tuple[Scenario, tuple[str, ...]]:
    """The scenario on what the options name, and what of it is left out there. Raises UsageError.

    Orders that are named are all that is used, however many the scenario would have.
    """
    if where.adapter not in adapters.ADAPTERS:
        raise UsageError(f"--adapter must be one of {', '.join(adapters.ADAPTERS)}")
    if where.local + (where.admin_login is not None) + bool(where.orders) > 1:
        raise UsageError("--local, --admin-login and --order exclude each other")
    if where.local or where.admin_login is not None:
        return scenario, ()
    if not where.orders:
        raise UsageError(
            "give --order with its tokens, or --admin-login to make orders, or --local for a gateway of its "
            "own"
        )
    for name, tokens in (("publish", where.publish_tokens), ("watch", where.watch_tokens)):
        if len(tokens) not in (0, len(where.orders)) or (where.adapter == "whip" and not tokens):
            raise UsageError(
                f"give a --{name}-token for each --order (or LOADTEST_{name.upper()}_TOKEN in the "
                "environment, separated by spaces)"
            )
    return _on_orders(scenario, len(where.orders), ours=where.adapter == "whip")


def _on_orders(scenario: Scenario, orders: int, *, ours: bool) -> tuple[Scenario, tuple[str, ...]]:
    """A scenario on so many orders without a customer's login, of a gateway of ours or of another server."""
    watch, clients, left_out = scenario.watch, scenario.clients, []
    most = orders if ours else 0
    if watch.talkers > most:
        left_out.append(f"{watch.talkers - most} talkers")
        watch = replace(watch, talkers=most)
    if clients.logins_per_second:
        left_out.append("logins")
        clients = replace(clients, logins_per_second=0.0)
    if clients.pages and not ours:
        left_out.append("pages")
        clients = replace(clients, pages=0)
    publish = replace(scenario.publish, orders=orders)
    return replace(scenario, publish=publish, watch=watch, clients=clients), tuple(left_out)


def given_target(where: Where) -> Target:
    """The target that the options name."""
    nothing = [""] * len(where.orders)
    tokens = zip(where.orders, where.publish_tokens or nothing, where.watch_tokens or nothing, strict=True)
    orders = tuple(Order(*each) for each in tokens)
    return Target(where.url, orders, where.adapter, pid=where.gateway_pid)


@contextlib.asynccontextmanager
async def planned(where: Where, scenario: Scenario, local: Target | None) -> AsyncIterator[Plan]:
    """A plan for a target that exists for as long. Raises AdminError."""
    async with contextlib.AsyncExitStack() as stack:
        if local is not None:
            target = local
        elif where.admin_login is not None:
            orders = AdminOrders(
                where.url, where.admin_login, where.admin_password or "", scenario.publish.orders
            )
            target = await stack.enter_async_context(orders)
        else:
            target = given_target(where)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        pid = target.pid or where.gateway_pid
        probe: Probe = NoProbe()
        if pid is not None:
            probe = ProcessProbe(pid)
        elif target.adapter == "whip":
            probe = MetricsProbe(target.url, http)
        workers = where.workers or scenario.generator.workers
        yield Plan(scenario, target, machine.share(available_cores(), _cores_of(pid), workers), probe)


def available_cores() -> list[int]:
    """Cores that we may use."""
    return sorted(os.sched_getaffinity(0))


def _cores_of(pid: int | None) -> Sequence[int] | None:
    """The cores of a server on this machine. Raises UsageError when there is no such process."""
    if pid is None:
        return None
    try:
        return sorted(os.sched_getaffinity(pid))
    except OSError as error:
        raise UsageError(f"--gateway-pid {pid}: {error.strerror}") from None


async def until_signal(work: Callable[[], Awaitable[Result]]) -> Result:
    """Do it; SIGTERM ends it in order, as Ctrl-C does by itself."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await work()
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
