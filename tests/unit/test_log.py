from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from gateway.log import configure, get_logger

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """A place to log to; the process's logging is as before afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_json_is_one_object_a_line(stream: io.StringIO) -> None:
    configure("json", "info", stream)
    get_logger("gateway.x").info("сессия открыта", viewers=3)
    logging.getLogger("aiohttp.server").warning("odd %s", "request")
    own, foreign = map(json.loads, stream.getvalue().splitlines())
    assert (own["event"], own["viewers"], own["level"]) == ("сессия открыта", 3, "info")
    assert own["logger"] == "gateway.x"
    assert own["timestamp"].endswith("Z")
    assert (foreign["event"], foreign["logger"]) == ("odd request", "aiohttp.server")


def test_text_is_readable(stream: io.StringIO) -> None:
    configure("text", "info", stream)
    get_logger("gateway.x").warning("session closed", reason="expired")
    (line,) = stream.getvalue().splitlines()
    assert "session closed" in line
    assert "reason=expired" in line
    assert "\x1b" not in line


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_levels(stream: io.StringIO, log_format: str) -> None:
    configure(log_format, "warning", stream)
    get_logger("gateway.x").info("quiet")
    logging.getLogger("lib").info("quiet")
    assert stream.getvalue() == ""
    get_logger("gateway.x").error("loud")
    assert "loud" in stream.getvalue()


@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.parametrize(
    "values",
    [
        {"token": "hunter2"},
        {"publishToken": "hunter2"},
        {"password_hash": "hunter2"},
        {"headers": {"Authorization": "Bearer hunter2", "Cookie": "a=hunter2"}},
        {"rows": [{"jwt_secret": "hunter2"}]},
        {"token": ["hunter2"]},
        {"url": "postgresql://user:hunter2@host/db"},
        {"url": "/live-stream?a=1&token=hunter2&b=2"},
        {"header": "authorization: bearer hunter2"},
        {"body": '{"login": "a", "password": "hunter2"}'},
    ],
)
def test_secrets_stay_out(stream: io.StringIO, log_format: str, values: dict[str, object]) -> None:
    configure(log_format, "info", stream)
    get_logger("gateway.x").info("something", **values)
    assert "something" in stream.getvalue()
    assert "[redacted]" in stream.getvalue()
    assert "hunter2" not in stream.getvalue()


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_secrets_stay_out_of_messages_and_tracebacks(stream: io.StringIO, log_format: str) -> None:
    configure(log_format, "info", stream)
    try:
        raise ValueError(f"bad token {JWT}")
    except ValueError:
        get_logger("gateway.x").exception("refused")
        logging.getLogger("aiohttp").exception("GET /?token=%s", JWT)
    assert "ValueError" in stream.getvalue()
    assert "c2lnbmF0dXJl" not in stream.getvalue()


def test_ordinary_values_are_left_alone(stream: io.StringIO) -> None:
    configure("json", "info", stream)
    get_logger("gateway.x").info("done", tokens_issued=7, camera="main", at=(1, 2), url="http://host/a:b@c")
    entry = json.loads(stream.getvalue())
    assert (entry["tokens_issued"], entry["camera"], entry["at"]) == (7, "main", [1, 2])
    assert entry["url"] == "http://host/a:b@c"
