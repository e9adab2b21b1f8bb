from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections import Counter
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.access.grants import Scope
from gateway.access.tokens import ISSUER, MAX_TOKEN_BYTES, Tokens
from gateway.clock import ManualClock
from gateway.errors import Malformed, Unauthenticated
from tests.unit.access.fakes import ORDER, SECRET

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def public_pem(key: Any) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def private_pem(key: Any) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def tokens(clock: ManualClock) -> Tokens:
    return Tokens(SECRET, clock)


def claims(clock: ManualClock, **changes: Any) -> dict[str, Any]:
    usual = {
        "iss": ISSUER,
        "sub": "anna",
        "scope": "watch",
        "orderId": ORDER,
        "streamId": "s",
        "exp": clock.time() + 60,
        "jti": "j",
    }
    merged = {**usual, **changes}
    return {name: value for name, value in merged.items() if value is not ...}


def test_a_token_gives_back_what_it_was_issued_for(tokens: Tokens, clock: ManualClock) -> None:
    issued = tokens.issue(
        subject="repair_abc",
        scopes=[Scope.WATCH, Scope.TALK],
        ttl=3600,
        order_id=ORDER,
        stream_id="stream",
        camera="top",
    )
    grant = tokens.verify(issued.token)
    assert grant.subject == "repair_abc"
    assert grant.scopes == {Scope.WATCH, Scope.TALK}
    assert (grant.order_id, grant.stream_id, grant.camera) == (ORDER, "stream", "top")
    assert grant.expires_at == issued.expires_at == clock.time() + 3600


def test_the_claims_are_those_of_the_contract(tokens: Tokens, clock: ManualClock) -> None:
    issued = tokens.issue(subject="a", scopes=[Scope.WATCH], ttl=60, order_id=ORDER, stream_id="s")
    payload = jwt.decode(issued.token, SECRET, algorithms=["HS256"], options={"verify_exp": False})
    assert set(payload) == {"sub", "scope", "orderId", "streamId", "iat", "exp", "jti", "iss"}
    assert payload["iss"] == "repair-live"
    assert payload["scope"] == "watch"
    assert payload["iat"] == clock.time()
    assert tokens.claims(issued.token) == payload


def test_every_token_has_its_own_id(tokens: Tokens) -> None:
    made = {
        tokens.verify(tokens.issue(subject="a", scopes=[Scope.ADMIN], ttl=60).token).token_id
        for _ in range(20)
    }
    assert len(made) == 20


def test_a_token_ends_to_the_second(tokens: Tokens, clock: ManualClock) -> None:
    issued = tokens.issue(subject="a", scopes=[Scope.WATCH], ttl=10, order_id=ORDER)
    clock.advance(9.9)
    tokens.verify(issued.token)
    clock.advance(0.1)
    with pytest.raises(Unauthenticated):
        tokens.verify(issued.token)


def test_a_token_never_outlives_its_limit(tokens: Tokens, clock: ManualClock) -> None:
    limit = clock.time() + 5.5
    issued = tokens.issue(subject="a", scopes=[Scope.ADMIN], ttl=3600, not_after=limit)
    assert issued.expires_at == clock.time() + 5
    with pytest.raises(Malformed):
        tokens.issue(subject="a", scopes=[Scope.ADMIN], ttl=3600, not_after=clock.time())


def test_tokens_fit_into_what_clients_keep(tokens: Tokens) -> None:
    issued = tokens.issue(
        subject="s" * 50,
        scopes=list(Scope),
        ttl=60,
        order_id=ORDER,
        stream_id=ORDER,
        camera="c" * 64,
    )
    assert len(issued.token) < MAX_TOKEN_BYTES
    with pytest.raises(Malformed):
        tokens.issue(subject="s" * 1000, scopes=[Scope.ADMIN], ttl=60)


def test_nothing_secret_is_in_a_representation(tokens: Tokens) -> None:
    issued = tokens.issue(subject="a", scopes=[Scope.ADMIN], ttl=60)
    assert issued.token not in repr(issued)
    assert SECRET not in repr(tokens)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"exp": 1}, "token_expired", id="expired"),
        pytest.param({"exp": ...}, None, id="without end"),
        pytest.param({"exp": True}, None, id="end is a truth value"),
        pytest.param({"exp": "tomorrow"}, None, id="end is a text"),
        pytest.param({"exp": float("inf")}, None, id="never ends"),
        pytest.param({"nbf": 1e12}, "token_not_yet_valid", id="not yet valid"),
        pytest.param({"nbf": "x"}, None, id="start is a text"),
        pytest.param({"iss": "somebody-else"}, "token_bad_issuer", id="other issuer"),
        pytest.param({"iss": ...}, "token_bad_issuer", id="no issuer"),
        pytest.param({"sub": ...}, None, id="no subject"),
        pytest.param({"scope": ...}, None, id="no scope"),
        pytest.param({"scope": "root"}, None, id="unknown scope"),
        pytest.param({"scope": ["watch"]}, None, id="scope is no text"),
        pytest.param({"orderId": ...}, None, id="no order"),
        pytest.param({"orderId": 7}, None, id="order is a number"),
        pytest.param({"camera": {}}, None, id="camera is an object"),
    ],
)
def test_refused_claims(clock: ManualClock, changes: dict[str, Any], reason: str | None) -> None:
    drops: Counter[str] = Counter()
    tokens = Tokens(SECRET, clock, drops=drops)
    token = jwt.encode(claims(clock, **changes), SECRET, algorithm="HS256")
    with pytest.raises(Unauthenticated):
        tokens.verify(token)
    with pytest.raises(Unauthenticated):
        tokens.claims(token)
    if reason:
        assert drops == {reason: 2}


def test_the_same_claims_unchanged_are_accepted(tokens: Tokens, clock: ManualClock) -> None:
    grant = tokens.verify(jwt.encode(claims(clock), SECRET, algorithm="HS256"))
    assert grant.subject == "anna"


def test_another_secret_is_refused(tokens: Tokens, clock: ManualClock) -> None:
    with pytest.raises(Unauthenticated):
        tokens.verify(jwt.encode(claims(clock), SECRET + "!", algorithm="HS256"))


def test_other_algorithms_of_the_same_secret_are_refused(tokens: Tokens, clock: ManualClock) -> None:
    long_secret = SECRET * 2
    tokens = Tokens(long_secret, clock)
    for algorithm in ("HS384", "HS512"):
        with pytest.raises(Unauthenticated):
            tokens.verify(jwt.encode(claims(clock), long_secret, algorithm=algorithm))


def test_no_algorithm_is_refused(tokens: Tokens, clock: ManualClock) -> None:
    with pytest.raises(Unauthenticated):
        tokens.verify(jwt.encode(claims(clock), None, algorithm="none"))


@pytest.mark.parametrize(("key", "algorithm"), [(RSA_KEY, "RS256"), (EC_KEY, "ES256")])
def test_another_issuers_key_is_accepted_beside_ours(clock: ManualClock, key: Any, algorithm: str) -> None:
    tokens = Tokens(SECRET, clock, public_key=public_pem(key))
    foreign = claims(clock, iss="shop", jti=..., streamId=..., aud="authenticated", scope="email watch")
    grant = tokens.verify(jwt.encode(foreign, private_pem(key), algorithm=algorithm))
    assert grant.scopes == {Scope.WATCH}
    assert grant.stream_id is None
    tokens.verify(tokens.issue(subject="a", scopes=[Scope.ADMIN], ttl=60).token)


def test_a_public_key_is_no_hmac_secret(clock: ManualClock) -> None:
    """The classic confusion: HS256 computed with the public key's text as the secret."""
    pem = public_pem(RSA_KEY)
    tokens = Tokens(SECRET, clock, public_key=pem)
    honest = jwt.encode(claims(clock), SECRET, algorithm="HS256")
    head, body, _ = honest.split(".")

    digest = hmac.new(pem.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    forged = f"{head}.{body}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"
    tokens.verify(honest)
    with pytest.raises(Unauthenticated):
        tokens.verify(forged)


def test_an_rsa_token_needs_the_rsa_key(clock: ManualClock) -> None:
    tokens = Tokens(SECRET, clock, public_key=public_pem(EC_KEY))
    with pytest.raises(Unauthenticated):
        tokens.verify(jwt.encode(claims(clock), private_pem(RSA_KEY), algorithm="RS256"))


def test_unusable_public_keys(clock: ManualClock) -> None:
    for key in (ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate()):
        with pytest.raises(ValueError, match="neither RSA nor"):
            Tokens(SECRET, clock, public_key=public_pem(key))


def _segment(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


HEADERS = st.dictionaries(
    st.sampled_from(["alg", "typ", "kid", "crit", "b64"]),
    st.none() | st.sampled_from(["HS256", "none", "RS256"]) | st.lists(st.text(max_size=5)),
)
BODIES = st.dictionaries(
    st.sampled_from(["exp", "sub", "scope"]), st.none() | st.integers() | st.text(max_size=5)
)


@given(st.text(max_size=200) | st.builds(lambda a, b: f"{_segment(a)}.{_segment(b)}.x", HEADERS, BODIES))
@example("x" * 5000)
@example("..")
@example("\ud800.a.b")
def test_garbage_is_refused_and_counted(text: str) -> None:
    drops: Counter[str] = Counter()
    with pytest.raises(Unauthenticated):
        Tokens(SECRET, ManualClock(), drops=drops).verify(text)
    assert drops.total() == 1
