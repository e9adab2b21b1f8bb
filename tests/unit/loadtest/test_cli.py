"""The command line: usage errors, exit statuses, no secret in what is printed or written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from loadtest import cli
from loadtest.result import Result

TOKENS = ["--publish-token", "secret-p", "--watch-token", "secret-w"]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URL", "PUBLISH_TOKEN", "WATCH_TOKEN", "ADMIN_LOGIN", "ADMIN_PASSWORD"):
        monkeypatch.delenv(f"LOADTEST_{name}", raising=False)


def invoke(*arguments: str) -> Any:
    return CliRunner(env={"TERMINAL_WIDTH": "300"}).invoke(cli.app, list(arguments))


@pytest.fixture
def outcome(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Runs do nothing but remember their plan; the first entry is what they end with."""
    seen: list[Any] = ["pass"]

    async def run(plan: Any, show: Any) -> Result:
        seen.append(plan)
        return Result("run", plan.scenario.title, "now", seen[0], ["because"])

    monkeypatch.setattr(cli, "run", run)
    return seen


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "no-such.toml", "--local"], "no-such.toml: No such file"),
        (["run", "smoke"], "give --order with its tokens, or --admin-login"),
        (["run", "--order", "o"], "give a --publish-token for each --order"),
        (["run", "--order", "o", "--local", *TOKENS], "exclude each other"),
        (["run", "--order", "o", "--adapter", "janos", *TOKENS], "--adapter must be one of whip, srs"),
        (["run", "--order", "o", "--duration", "0", *TOKENS], "duration must be over 0"),
        (["run", "--order", "o", "--viewers", "-1", *TOKENS], "--viewers"),
        (["run", "--order", "o", "--gateway-pid", "999999999", *TOKENS], "--gateway-pid 999999999: No such"),
        (["run", "churn", "--order", "o", "--publish-token", "p"], "give a --watch-token for each --order"),
    ],
)
def test_wrong_usage_is_status_2_and_says_what_to_do(arguments: list[str], words: str) -> None:
    done = invoke(*arguments)
    assert done.exit_code == 2, done.output
    assert words in done.output
    assert "secret" not in done.output


def test_a_misspelt_key_of_a_scenario_is_usage(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[thresholds]\nlos = 0.1\n")
    done = invoke("run", str(path), "--local")
    assert done.exit_code == 2
    assert "did you mean 'loss'?" in done.output


@pytest.mark.parametrize(("ends", "status"), [("pass", 0), ("fail", 1), ("refused", 1), ("stopped", 1)])
def test_the_status_follows_the_outcome(outcome: list[Any], ends: str, status: int) -> None:
    outcome[0] = ends
    done = invoke("run", "--order", "o", *TOKENS)
    assert done.exit_code == status
    assert "because" in done.output


def test_options_reach_the_plan(outcome: list[Any]) -> None:
    done = invoke(
        "run", "churn", "--order", "o", *TOKENS, "--viewers", "7", "--bitrate", "99", "--duration", "3"
    )
    assert done.exit_code == 0, done.output
    plan = outcome[1]
    assert (plan.scenario.watch.viewers, plan.scenario.kbit, plan.scenario.duration) == (7, 99, 3.0)
    (endpoint,) = plan.endpoints
    assert endpoint.whip == "http://localhost:8080/whip/o/main"
    assert (endpoint.publish_token, endpoint.watch_token) == ("secret-p", "secret-w")


def test_orders_that_are_named_are_all_that_is_used(outcome: list[Any]) -> None:
    done = invoke("run", "release", "--order", "o", *TOKENS)
    assert done.exit_code == 0, done.output
    assert "left out, as this target does not allow it: 4 talkers, logins" in done.output
    scenario = outcome[1].scenario
    assert (scenario.publish.orders, scenario.watch.talkers) == (1, 1)
    assert (scenario.clients.pages, scenario.clients.logins_per_second) == (100, 0.0)


def test_other_servers_have_no_pages_of_ours(outcome: list[Any]) -> None:
    done = invoke("run", "talk", "--order", "o", "--adapter", "srs")
    assert done.exit_code == 0, done.output
    assert "left out, as this target does not allow it: 20 talkers, pages" in done.output
    assert outcome[1].scenario.clients.pages == 0


def test_tokens_may_come_from_the_environment(outcome: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOADTEST_PUBLISH_TOKEN", "p1 p2")
    monkeypatch.setenv("LOADTEST_WATCH_TOKEN", "w1 w2")
    monkeypatch.setenv("LOADTEST_URL", "http://gateway.example/")
    scenario = Path(__file__).with_name("two.toml")
    done = invoke("run", str(scenario), "--order", "a", "--order", "b")
    assert done.exit_code == 0, done.output
    found = [(e.whep, e.publish_token, e.watch_token) for e in outcome[1].endpoints]
    base = "http://gateway.example/whep"
    assert found == [
        (f"{base}/a/main", "p1", "w1"),
        (f"{base}/b/main", "p2", "w2"),
        (f"{base}/a/camera2", "p1", "w1"),
        (f"{base}/b/camera2", "p2", "w2"),
    ]


def test_what_is_written_has_no_token(outcome: list[Any], tmp_path: Path) -> None:
    written, drawn = tmp_path / "a.json", tmp_path / "a.html"
    done = invoke("run", "--order", "o", *TOKENS, "--json", str(written), "--report", str(drawn))
    assert done.exit_code == 0
    assert json.loads(written.read_text())["outcome"] == "pass"
    assert "secret" not in written.read_text() + drawn.read_text() + done.output


def test_a_report_of_two_runs(outcome: list[Any], tmp_path: Path) -> None:
    paths = [str(tmp_path / name) for name in ("a.json", "b.json", "out.html")]
    for path in paths[:2]:
        assert invoke("run", "--order", "o", *TOKENS, "--json", path).exit_code == 0
    done = invoke("report", paths[0], paths[1], "-o", paths[2])
    assert done.exit_code == 0
    assert "load test against load test" in Path(paths[2]).read_text()
    missing = invoke("report", str(tmp_path / "none.json"))
    assert missing.exit_code == 1
    assert "none.json: No such file" in missing.output


def test_a_file_that_cannot_be_written_is_a_failure(outcome: list[Any], tmp_path: Path) -> None:
    done = invoke("run", "--order", "o", *TOKENS, "--json", str(tmp_path / "none" / "a.json"))
    assert done.exit_code == 1
    assert "No such file" in done.output


def test_help_names_the_scenarios() -> None:
    done = invoke("run", "--help")
    assert done.exit_code == 0
    for path in (Path(cli.__file__).parent / "scenarios").glob("*.toml"):
        assert path.stem in done.output.replace("\n", " ")
