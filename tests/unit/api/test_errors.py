"""Every domain error has a status and a sentence in three languages; problem documents are RFC 9457."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterator

import pytest
from aiohttp import web

import gateway
from gateway import errors
from gateway.api.errors import (
    SENTENCES,
    http_problem,
    preferred_language,
    problem_response,
    retry_after,
    sentence,
    status_of,
)


def everything_below(error: type[errors.GatewayError]) -> Iterator[type[errors.GatewayError]]:
    yield error
    for child in error.__subclasses__():
        yield from everything_below(child)


def test_every_error_has_a_status_and_three_sentences() -> None:
    for module in pkgutil.walk_packages(gateway.__path__, "gateway."):
        if not module.name.endswith("__main__") and ".migrations" not in module.name:
            importlib.import_module(module.name)
    # A client's errors never meet the API: the two never import each other.
    everything = everything_below(errors.GatewayError)
    known = {error for error in everything if not error.__module__.startswith("gateway.client")}
    assert len(known) > 15
    for error in known:
        assert 400 <= status_of(error) <= 503
        assert error.code in SENTENCES, f"{error.__name__}: no sentences for {error.code}"


@pytest.mark.parametrize("code", list(SENTENCES))
def test_each_sentence_exists_in_each_language(code: str) -> None:
    sentences = SENTENCES[code]
    assert set(sentences) == {"en", "ru", "cs"}
    assert len(set(sentences.values())) == 3
    assert all(text[0].isupper() and text.endswith(".") for text in sentences.values())


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.Malformed, 400), (errors.Unauthenticated, 401), (errors.WrongCredentials, 401),
        (errors.AccessExpired, 403), (errors.Forbidden, 403), (errors.NotFound, 404), (errors.Conflict, 409),
        (errors.NotLive, 409), (errors.PreconditionFailed, 412), (errors.TooLarge, 413),
        (errors.UnsupportedType, 415), (errors.Unacceptable, 422), (errors.PreconditionRequired, 428),
        (errors.RateLimited, 429), (errors.Unavailable, 503), (errors.GatewayError, 500),
        (errors.TalkRefused, 409), (errors.TalkWaiting, 409), (errors.TalkOff, 409),
        (errors.TalkMuted, 409), (errors.TalkFull, 409), (errors.ConversationFull, 409),
    ],
)  # fmt: skip
def test_the_status_table(error: type[errors.GatewayError], status: int) -> None:
    assert status_of(error) == status


def test_no_error_becomes_406() -> None:
    assert 406 not in {status_of(error) for error in everything_below(errors.GatewayError)}


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"), ("", "en"), ("ru", "ru"), ("cs-CZ,cs;q=0.9", "cs"), ("de, ru;q=0.5", "ru"),
        ("en;q=0.1, ru;q=0.9", "ru"), ("ru;q=0", "en"), ("*", "en"), ("ru;q=nonsense", "en"), ("RU-ru", "ru"),
        (",;,;q=", "en"), ("cs;level=1", "cs"), ("x" * 10_000, "en"),
    ],
)  # fmt: skip
def test_the_callers_language(header: str | None, language: str) -> None:
    assert preferred_language(header) == language


def test_an_unknown_code_or_language_falls_back() -> None:
    assert sentence("no such code", "ru") == SENTENCES["internal"]["ru"]
    assert sentence("forbidden", "de") == SENTENCES["forbidden"]["en"]


@pytest.mark.parametrize("language", ["en", "ru", "cs"])
def test_a_page_can_tell_why_somebody_may_not_speak(language: str) -> None:
    refusals = list(everything_below(errors.TalkRefused))
    assert len({error.code for error in refusals}) == len(refusals) == 5
    assert len({sentence(error.code, language) for error in refusals}) == len(refusals)


def test_a_problem_document() -> None:
    response = problem_response(errors.NotLive("nobody here", retry_after=1.2), "ru")
    assert response.status == 409
    assert response.content_type == "application/problem+json"
    assert response.headers["Retry-After"] == "2"
    assert response.headers["Content-Language"] == "ru"
    assert json.loads(response.text or "") == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "code": "not_live",
        "error": SENTENCES["not_live"]["ru"],
        "detail": "nobody here",
    }


@pytest.mark.parametrize("error", [errors.Unauthenticated(), errors.WrongCredentials()])
def test_a_401_names_its_scheme_and_it_is_never_basic(error: errors.GatewayError) -> None:
    assert problem_response(error).headers["WWW-Authenticate"].startswith("Bearer")


def test_aiohttps_own_errors_become_problems_and_keep_allow() -> None:
    response = http_problem(web.HTTPMethodNotAllowed("PUT", ["GET", "POST"]))
    assert response.status == 405
    assert response.headers["Allow"] == "GET,POST"
    assert json.loads(response.text or "")["code"] == "method_not_allowed"


@pytest.mark.parametrize(("seconds", "text"), [(0.0, "1"), (0.2, "1"), (1.0, "1"), (1.1, "2"), (60.0, "60")])
def test_retry_after_is_whole_seconds_and_never_zero(seconds: float, text: str) -> None:
    assert retry_after(seconds) == text
