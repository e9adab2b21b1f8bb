from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jwt
import pytest
from typer.testing import CliRunner

from gateway import __version__, cli

SECRET = "s" * 32
COMMANDS = [
    [],
    ["serve"],
    ["demo"],
    ["migrate"],
    ["token"],
    ["admin", "create"],
    ["order", "create"],
    ["access", "create"],
    ["access", "revoke"],
]


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory and an environment of our own."""
    for name in os.environ:
        if name.startswith("GATEWAY_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GATEWAY_JWT_SECRET", SECRET)
    monkeypatch.setenv("GATEWAY_BCRYPT_COST", "4")
    monkeypatch.setattr("gateway.log.configure", lambda *_: None)


def run(*arguments: str, status: int = 0, stdin: str = "") -> str:
    result = CliRunner().invoke(cli.app, arguments, input=stdin)
    assert result.exit_code == status, (result.output, result.exception)
    assert "Traceback" not in result.output
    return result.output


def created(*arguments: str) -> dict[str, Any]:
    (line,) = run(*arguments, "--json").splitlines()
    value = json.loads(line)
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(command: list[str]) -> None:
    assert "Usage:" in run(*command, "--help")


def python(*arguments: str) -> str:
    """What a fresh interpreter prints that finds the package."""
    environ = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parent.parent)}
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environ).stdout


def test_help_is_quick_because_nothing_heavy_is_loaded() -> None:
    heavy = "('sqlalchemy', 'aiohttp', 'alembic', 'pydantic', 'av')"
    program = f"import sys, gateway.cli; print([name for name in {heavy} if name in sys.modules])"
    assert python("-c", program).strip() == "[]"


def test_the_module_is_the_command() -> None:
    assert python("-m", "gateway", "--version") == f"gateway {__version__}\n"


def test_from_an_empty_directory_to_a_customers_login() -> None:
    order = created("order", "create", "--title", "iPhone 15", "--customer-email", "anna@example.com")
    assert order["number"] == "1001"
    assert order["customerEmail"] == "anna@example.com"
    assert order["live_stream_enabled"] is False
    for name in (order["id"], order["number"]):
        access = created("access", "create", name, "--ttl", "7d", "--email", "anna@example.com")
        assert set(access) == {"id", "login", "password", "link", "expiresAt"}
        assert access["login"].startswith("repair_")
        assert access["link"].startswith("http://localhost:8080/")
    assert run("access", "revoke", access["id"]).startswith("id")


def test_a_token_says_what_was_asked_for() -> None:
    order = created("order", "create", "--title", "x")
    made = created("token", "--scope", "watch,talk", "--scope", "publish", "--order", order["number"],
                   "--camera", "top", "--ttl", "90m", "--subject", "obs")  # fmt: skip
    claims = jwt.decode(made["token"], SECRET, algorithms=["HS256"])
    assert claims["scope"] == "publish talk watch"
    assert (claims["orderId"], claims["camera"], claims["sub"]) == (order["id"], "top", "obs")
    assert claims["exp"] - claims["iat"] == 90 * 60
    assert made["expiresAt"].endswith("Z")


def test_without_json_a_token_is_all_there_is() -> None:
    (line,) = run("token", "--scope", "admin").splitlines()
    assert jwt.decode(line, SECRET, algorithms=["HS256"])["scope"] == "admin"


def test_tokens_have_different_subjects_unless_named() -> None:
    subjects = {
        jwt.decode(created("token", "--scope", "admin")["token"], SECRET, algorithms=["HS256"])["sub"]
        for _ in range(2)
    }
    assert len(subjects) == 2


def test_accounts() -> None:
    made = created("admin", "create", "Boss@shop.cz")
    assert (made["login"], made["role"]) == ("boss@shop.cz", "admin")
    assert len(made["password"]) > 12
    chosen = run("admin", "create", "tech", "--role", "technician", "--password-stdin", stdin="long enough\n")
    assert "long enough" not in chosen
    assert "taken" in run("admin", "create", "tech", status=1)
    assert "10 characters" in run("admin", "create", "x", "--password-stdin", stdin="short\n", status=1)


def test_migrating() -> None:
    assert "up to date" in run("migrate")
    assert "up to date" in run("migrate")
    assert (Path("data") / "gateway.db").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["access", "create", "1001"], "no order has the id or number", id="unknown order"),
        pytest.param(["access", "revoke", "x"], "no such access", id="unknown access"),
        pytest.param(["token", "--scope", "watch", "--order", "x"], "no order", id="token without order"),
        pytest.param(["order", "create", "--title", ""], "needs a title", id="empty title"),
        pytest.param(["order", "create", "--title", "x", "--language", "de"], "ru, en, cs", id="language"),
    ],
)
def test_what_fails_says_why_in_a_line(arguments: list[str], says: str) -> None:
    output = run(*arguments, status=1)
    assert output.startswith("gateway: ")
    assert says in output
    assert len(output.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["serv"],
        ["token"],
        ["token", "--scope", "watch"],
        ["token", "--scope", "root"],
        ["token", "--scope", ","],
        ["token", "--scope", "admin", "--ttl", "soon"],
        ["token", "--scope", "admin", "--ttl", "0h"],
        ["access", "create"],
        ["access", "create", "x", "--ttl", "-1"],
        ["admin", "create", "x", "--role", "king"],
        ["order", "create"],
    ],
    ids=" ".join,
)
def test_wrong_usage(arguments: list[str]) -> None:
    run(*arguments, status=2)
    assert not Path("data").exists()


def test_wrong_configuration_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_HTTP_PROT", "1")
    assert "GATEWAY_HTTP_PORT" in run("serve", status=2)


@pytest.mark.parametrize("before", [True, False])
def test_a_configuration_file_before_or_after_the_command(tmp_path: Path, before: bool) -> None:
    Path("live.toml").write_text(f'GATEWAY_DATA_DIR = "{tmp_path}/elsewhere"\n')
    option = ["--config", "live.toml"]
    run(*([*option, "migrate"] if before else ["migrate", *option]))
    assert (tmp_path / "elsewhere" / "gateway.db").exists()
    run("migrate", "--config", "missing.toml", status=2)


def test_a_shared_database_must_be_migrated_first(
    monkeypatch: pytest.MonkeyPatch, postgresql_url: str
) -> None:
    monkeypatch.setenv("GATEWAY_DATABASE_URL", postgresql_url)
    assert "gateway migrate" in run("order", "create", "--title", "x", status=1)
    run("migrate")
    assert created("order", "create", "--title", "x")["number"] == "1001"
