"""The command `loadtest`. Exit status: 0 all thresholds hold, 1 one does not or no verdict, 2 wrong usage."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import typer

from gateway import __version__
from gateway.errors import GatewayError
from loadtest.admin import AdminError
from loadtest.coordinator import Plan
from loadtest.local import NoGateway, local_gateway
from loadtest.options import UsageError, Where, available_cores, fitted, planned, scenario_of, until_signal
from loadtest.progress import Display, display
from loadtest.report import write_report
from loadtest.result import NotAResult, Result, read
from loadtest.runs import SearchLimits, run, search
from loadtest.scenario import Scenario, ScenarioError
from loadtest.verdict import told

T = TypeVar("T")

FAILED = 1
USAGE = 2

app = typer.Typer(
    help="Drives real sessions against a running gateway, judges what it sees, and draws it.\n\n"
    "Try `loadtest run smoke --local` first: 20 viewers for 10 seconds on a gateway of its own.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

ScenarioName = Annotated[
    str | None,
    typer.Argument(
        metavar="[SCENARIO.toml]",
        help="What to do; a file, or the name of one of ours: release, smoke, one-stream-600, "
        "one-stream-2000, one-stream-vp8, browser-600, browser-2000, many-orders, churn, opening, talk.",
    ),
]
Url = Annotated[str, typer.Option(envvar="LOADTEST_URL", help="The server.")]
Orders = Annotated[
    list[str] | None,
    typer.Option("--order", metavar="ORDER", help="Its id; repeated where the scenario has several."),
]
PublishTokens = Annotated[
    list[str] | None,
    typer.Option(
        "--publish-token",
        metavar="TOKEN",
        envvar="LOADTEST_PUBLISH_TOKEN",
        show_envvar=True,
        help="One for each order. Better in the environment, where the list of processes does not show it.",
    ),
]
WatchTokens = Annotated[
    list[str] | None,
    typer.Option(
        "--watch-token", metavar="TOKEN", envvar="LOADTEST_WATCH_TOKEN", help="One for each order, likewise."
    ),
]
Viewers = Annotated[int | None, typer.Option(min=0, help="Viewers, instead of the scenario's.")]
Bitrate = Annotated[
    int | None, typer.Option(min=1, metavar="KBIT", help="Of the video's best layer, in kbit/s.")
]
Duration = Annotated[float | None, typer.Option(metavar="S", help="Seconds that are judged.")]
Json = Annotated[Path | None, typer.Option("--json", metavar="F", help="Write everything measured there.")]
Report = Annotated[
    Path | None, typer.Option("--report", metavar="F.html", help="Write a page with plots there.")
]
Local = Annotated[
    bool, typer.Option("--local", help="Start a gateway for the test, on a core of its own, and end it.")
]
AdminLogin = Annotated[
    str | None,
    typer.Option(
        metavar="LOGIN",
        envvar="LOADTEST_ADMIN_LOGIN",
        help="Make orders and tokens as this admin, and revoke them afterwards. The password is asked for, "
        "or LOADTEST_ADMIN_PASSWORD.",
    ),
]
Adapter = Annotated[
    str, typer.Option(help="What kind of server it is: whip (the gateway), srs, mediamtx, livekit, janus.")
]
GatewayPid = Annotated[
    int | None,
    typer.Option(
        metavar="PID", help="The server's process on this machine: its CPU and memory are measured."
    ),
]
Workers = Annotated[
    int, typer.Option(min=0, help="Processes that watch; 0: one for each core that the server leaves.")
]


def main() -> NoReturn:
    """Run the command line and exit."""
    app()
    sys.exit(0)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"loadtest {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Only the options before the command."""


@app.command("run")
def run_command(
    scenario: ScenarioName = None,
    url: Url = "http://localhost:8080",
    order: Orders = None,
    publish_token: PublishTokens = None,
    watch_token: WatchTokens = None,
    viewers: Viewers = None,
    bitrate: Bitrate = None,
    duration: Duration = None,
    json: Json = None,
    report: Report = None,
    local: Local = False,
    admin_login: AdminLogin = None,
    adapter: Adapter = "whip",
    gateway_pid: GatewayPid = None,
    workers: Workers = 0,
) -> None:
    """Run a scenario and judge it. Options override the scenario."""
    wanted = _usage(lambda: scenario_of(scenario, viewers, bitrate, duration))
    where = _where(url, order, publish_token, watch_token, adapter, admin_login, local, gateway_pid, workers)
    wanted, left_out = _usage(lambda: fitted(where, wanted))
    with display(wanted) as shown:
        _tell(left_out)
        result = _execute(where, wanted, shown, lambda plan: run(plan, shown.show))
    _finish(result, json, report)


@app.command("capacity")
def capacity_command(
    scenario: ScenarioName = None,
    url: Url = "http://localhost:8080",
    order: Orders = None,
    publish_token: PublishTokens = None,
    watch_token: WatchTokens = None,
    bitrate: Bitrate = None,
    start: Annotated[int, typer.Option("--from", min=1, help="Viewers to begin with.")] = 50,
    most: Annotated[int, typer.Option(min=1, help="Viewers to end with.")] = 5000,
    stage: Annotated[float, typer.Option(min=1, metavar="S", help="Seconds each number is judged.")] = 10.0,
    within: Annotated[float, typer.Option(min=1, metavar="S", help="No new number after this time.")] = 600.0,
    precision: Annotated[
        float, typer.Option(min=0.001, max=1, help="How well the answer must be known, as a share.")
    ] = 0.05,
    json: Json = None,
    report: Report = None,
    local: Local = False,
    admin_login: AdminLogin = None,
    adapter: Adapter = "whip",
    gateway_pid: GatewayPid = None,
    workers: Workers = 0,
) -> None:
    """Find the highest number of viewers that passes: doubled until it fails, then halved in between.

    Viewers that play go on playing from one number to the next.
    """
    wanted = _usage(lambda: scenario_of(scenario, None, bitrate, None))
    where = _where(url, order, publish_token, watch_token, adapter, admin_login, local, gateway_pid, workers)
    limits = SearchLimits(start, most, stage, within, precision)
    wanted, left_out = _usage(lambda: fitted(where, wanted))
    with display(wanted) as shown:
        _tell(left_out)
        result = _execute(where, wanted, shown, lambda plan: search(plan, limits, shown.show, shown.say))
    _finish(result, json, report)


@app.command("report")
def report_command(
    first: Annotated[Path, typer.Argument(metavar="A.json", help="What `loadtest run --json` wrote.")],
    second: Annotated[
        Path | None, typer.Argument(metavar="[B.json]", help="Another one, to compare it with.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="F.html")] = Path("loadtest.html"),
) -> None:
    """Draw one run, or two side by side, as one page that needs nothing else."""
    try:
        results = [read(path) for path in (first, second) if path is not None]
        write_report(out, results)
    except (NotAResult, OSError) as error:
        _fail(str(error), FAILED)
    typer.echo(f"wrote {out}")


def _where(
    url: str,
    orders: list[str] | None,
    publish_tokens: list[str] | None,
    watch_tokens: list[str] | None,
    adapter: str,
    admin_login: str | None,
    local: bool,
    gateway_pid: int | None,
    workers: int,
) -> Where:
    password = None
    if admin_login is not None:
        password = os.environ.get("LOADTEST_ADMIN_PASSWORD") or typer.prompt(
            f"Password of {admin_login}", hide_input=True, err=True
        )
    return Where(
        url=url.rstrip("/"),
        orders=tuple(orders or ()),
        publish_tokens=tuple(publish_tokens or ()),
        watch_tokens=tuple(watch_tokens or ()),
        adapter=adapter,
        admin_login=admin_login,
        admin_password=password,
        local=local,
        gateway_pid=gateway_pid,
        workers=workers,
    )


def _execute(
    where: Where, scenario: Scenario, shown: Display, work: Callable[[Plan], Awaitable[Result]]
) -> Result:
    """Do the work against its target; errors that have a name become one line and a status."""

    async def job() -> Result:
        async with planned(where, scenario, target) as plan:
            return await work(plan)

    try:
        with contextlib.ExitStack() as stack:
            target = None
            if where.local:
                shown.say("starting a gateway")
                gateway_core = available_cores()[0]
                target = stack.enter_context(local_gateway(scenario.publish.orders, gateway_core))
            return asyncio.run(until_signal(job))
    except UsageError as error:
        _fail(str(error), USAGE)
    except (AdminError, NoGateway, GatewayError) as error:
        _fail(str(error), FAILED)


def _tell(left_out: tuple[str, ...]) -> None:
    if left_out:
        typer.echo(f"left out, as this target does not allow it: {', '.join(left_out)}", err=True)


def _finish(result: Result, json: Path | None, report: Path | None) -> None:
    """Write, tell, and exit by the outcome."""
    try:
        if json is not None:
            result.save(json)
        if report is not None:
            write_report(report, [result])
    except OSError as error:
        _fail(f"{error.filename}: {error.strerror}", FAILED)
    typer.echo(told(result))
    if result.outcome != "pass":
        raise typer.Exit(FAILED)


def _usage(work: Callable[[], T]) -> T:
    try:
        return work()
    except (ScenarioError, UsageError) as error:
        _fail(str(error), USAGE)


def _fail(message: str, status: int) -> NoReturn:
    for line in message.splitlines():
        typer.echo(f"loadtest: {line}", err=True)
    raise typer.Exit(status)
