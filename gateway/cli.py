"""The command `gateway`. Everything heavy is imported by the command that needs it.

The commands that create things write to the database, so they work beside a running gateway and
without one. Exit status: 0 fine, 1 failed, 2 wrong usage or configuration.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from gateway import __version__

if TYPE_CHECKING:
    from gateway.access.records import Order
    from gateway.config import Settings
    from gateway.storage.access_services import AccessServices

T = TypeVar("T")

FAILED = 1
USAGE = 2
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

app = typer.Typer(
    help="A repair shop's live gateway: technicians publish, customers watch and talk back.\n\n"
    "Try `gateway demo` first: it starts everything with a synthetic camera and prints the links.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
admin_app = typer.Typer(help="Accounts of the staff.", no_args_is_help=True)
order_app = typer.Typer(help="Orders: the repairs that may be shown live.", no_args_is_help=True)
access_app = typer.Typer(help="Customers' logins and passwords.", no_args_is_help=True)
app.add_typer(admin_app, name="admin")
app.add_typer(order_app, name="order")
app.add_typer(access_app, name="access")

Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE.toml", help="Settings: the GATEWAY_… names of the environment."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, for scripts.")]


def main() -> NoReturn:
    """Run the command line and exit."""
    app()
    sys.exit(0)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gateway {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    config: Config = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    context.obj = config


@app.command()
def serve(context: typer.Context, config: Config = None) -> None:
    """Run the gateway until it is told to stop (Ctrl-C or SIGTERM)."""
    settings = _settings(context, config)
    _run_server(settings, lambda: _import("gateway.app").serve(settings))


@app.command()
def demo(
    context: typer.Context,
    no_camera: Annotated[
        bool, typer.Option("--no-camera", help="Leave the synthetic camera out: publish yourself.")
    ] = False,
    config: Config = None,
) -> None:
    """Run the gateway with a demo order, its logins and a synthetic camera, and print all links."""
    settings = _settings(context, config)
    _run_server(settings, lambda: _import("gateway.demo").run(settings, camera=not no_camera))


@app.command()
def migrate(context: typer.Context, config: Config = None) -> None:
    """Create or update the tables of the database. Doing it again changes nothing."""
    settings = _settings(context, config)

    async def work() -> None:
        from gateway.storage.database import Database

        database = Database.of(settings)
        try:
            await database.migrate()
        finally:
            await database.close()

    _run(work)
    typer.echo("the database is up to date")


@admin_app.command("create")
def admin_create(
    context: typer.Context,
    login: Annotated[str, typer.Argument(help="For example an email address.")],
    role: Annotated[str, typer.Option(help="admin or technician.")] = "admin",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Create an account; its password is made up and shown once unless you give one."""
    from gateway.access.credentials import new_password
    from gateway.access.records import Role

    if role not in list(Role):
        raise typer.BadParameter(f"expected {' or '.join(Role)}", param_hint="--role")
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else new_password()
    settings = _settings(context, config)

    async def work() -> str:
        async with _access(settings) as access:
            return (await access.accounts.create(login, password, Role(role))).id

    created = {"id": _run(work), "login": login.strip().lower(), "role": role}
    _show(created if password_stdin else created | {"password": password}, as_json)


@order_app.command("create")
def order_create(
    context: typer.Context,
    title: Annotated[str, typer.Option(help="What is repaired, for example 'iPhone 15, display'.")],
    device: Annotated[str | None, typer.Option(help="The device, if the title does not say it.")] = None,
    customer_email: Annotated[str | None, typer.Option(help="Where to reach the customer.")] = None,
    customer_phone: Annotated[str | None, typer.Option(help="Where to reach the customer.")] = None,
    language: Annotated[str | None, typer.Option(help="The customer's: ru, en or cs.")] = None,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Create an order."""
    from gateway.access.records import NewOrder

    settings = _settings(context, config)
    new = NewOrder(title, device, customer_email, customer_phone, language)

    async def work() -> Order:
        async with _access(settings) as access:
            return await access.orders.create(new)

    order = _run(work)
    _show(
        {
            "id": order.id,
            "number": order.number,
            "title": order.title,
            "device": order.device,
            "customerEmail": order.customer_email,
            "customerPhone": order.customer_phone,
            "language": order.language,
            "live_stream_enabled": order.live_stream_enabled,
        },
        as_json,
    )


@access_app.command("create")
def access_create(
    context: typer.Context,
    order: Annotated[str, typer.Argument(help="Id or number of the order.")],
    email: Annotated[str | None, typer.Option(help="Noted down with the access.")] = None,
    phone: Annotated[str | None, typer.Option(help="Noted down with the access.")] = None,
    ttl: Annotated[
        str | None, typer.Option(metavar="DURATION", help="How long it works: 90m, 24h, 7d.")
    ] = None,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Create a customer's login and password for an order. The password is shown only now."""
    from gateway.access.timestamps import iso

    settings = _settings(context, config)
    seconds = settings.access_hours * 3600 if ttl is None else _duration(ttl)

    async def work() -> dict[str, Any]:
        async with _access(settings) as access:
            order_id = (await access.orders.find(order)).id
            created = await access.accesses.create(order_id, seconds, email, phone)
        return {
            "id": created.id,
            "login": created.login,
            "password": created.password,
            "link": created.link,
            "expiresAt": iso(created.expires_at),
        }

    _show(_run(work), as_json)


@access_app.command("revoke")
def access_revoke(
    context: typer.Context,
    access_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the access.")],
    as_json: Json = False,
    config: Config = None,
) -> None:
    """End an access: its login stops working and everybody who watches with it is cut off."""
    settings = _settings(context, config)

    async def work() -> None:
        async with _access(settings) as access:
            await access.accesses.revoke(access_id)

    _run(work)
    _show({"id": access_id, "revoked": True}, as_json)


@app.command()
def token(
    context: typer.Context,
    scope: Annotated[
        list[str],
        typer.Option(help="watch, talk, publish or admin; several with commas or by repeating."),
    ],
    order: Annotated[str | None, typer.Option(help="Id or number; only admin needs none.")] = None,
    camera: Annotated[str | None, typer.Option(help="Only this camera; otherwise all of them.")] = None,
    ttl: Annotated[str, typer.Option(metavar="DURATION", help="How long it works: 90m, 4h, 7d.")] = "4h",
    subject: Annotated[
        str | None,
        typer.Option(help="Who: a publisher with the same subject takes over. Made up if left out."),
    ] = None,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Print a token, for example for OBS (Bearer Token) or a script."""
    from gateway.access.grants import Scope
    from gateway.access.timestamps import iso

    words = [word for item in scope for word in item.replace(",", " ").split()]
    if not words or any(word not in list(Scope) for word in words):
        raise typer.BadParameter(f"expected some of {', '.join(Scope)}", param_hint="--scope")
    if order is None and Scope.ADMIN not in words:
        raise typer.BadParameter("is needed unless the scope is admin", param_hint="--order")
    settings = _settings(context, config)
    seconds = _duration(ttl)

    async def work() -> dict[str, Any]:
        async with _access(settings) as access:
            issued = access.tokens.issue(
                subject=subject or f"cli-{secrets.token_hex(4)}",
                scopes={Scope(word) for word in words},
                ttl=seconds,
                order_id=None if order is None else (await access.orders.find(order)).id,
                camera=camera,
            )
        return {"token": issued.token, "expiresAt": iso(issued.expires_at)}

    made = _run(work)
    if as_json:
        _show(made, as_json)
    else:
        typer.echo(made["token"])


def _settings(context: typer.Context, config: Path | None) -> Settings:
    """The configuration, by the command's own `--config` or the one before the command."""
    from gateway import log
    from gateway.config import ConfigError, load_settings

    try:
        settings = load_settings(config or context.obj)
    except ConfigError as error:
        _fail(str(error), USAGE)
    log.configure(settings.log_format, settings.log_level)
    return settings


@asynccontextmanager
async def _access(settings: Settings) -> AsyncIterator[AccessServices]:
    from gateway.clock import SystemClock
    from gateway.storage.access_services import access_services
    from gateway.storage.database import Database

    database = Database.of(settings)
    try:
        await database.prepare()
        yield access_services(settings, database, SystemClock())
    finally:
        await database.close()


def _run(
    work: Callable[[], Coroutine[Any, Any, T]],
    run: Callable[[Coroutine[Any, Any, T]], T] = asyncio.run,
) -> T:
    """Run `work` to its end; an error that has a name becomes one line and exit status 1."""
    from gateway.config import ConfigError
    from gateway.errors import GatewayError

    try:
        return run(work())
    except ConfigError as error:
        _fail(str(error), USAGE)
    except GatewayError as error:
        _fail(str(error), FAILED)


def _run_server(settings: Settings, work: Callable[[], Awaitable[None]]) -> None:
    import uvloop

    async def serving() -> None:
        await work()

    _run(serving, uvloop.run)


def _import(name: str) -> Any:
    import importlib

    return importlib.import_module(name)


def _duration(text: str) -> float:
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,3})?)([smhd]?)", text.strip().lower())
    if match is None or float(match[1]) == 0:
        raise typer.BadParameter("expected a duration such as 90m, 4h or 7d", param_hint="--ttl")
    return float(match[1]) * _UNITS[match[2] or "s"]


def _show(values: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(values, ensure_ascii=False))
        return
    width = max(map(len, values))
    for name, value in values.items():
        typer.echo(f"{name:<{width}}  {'' if value is None else value}".rstrip())


def _fail(message: str, status: int) -> NoReturn:
    for line in message.splitlines():
        typer.echo(f"gateway: {line}", err=True)
    raise typer.Exit(status)
