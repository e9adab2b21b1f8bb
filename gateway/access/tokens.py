"""Tokens: JSON web tokens (RFC 7519) that carry a grant.

We sign with HS256. Tokens of another issuer are accepted by its public key (RS256 or ES256). Which
algorithm belongs to which key is fixed here and never taken from the token (RFC 8725 section 3.1).
"""

from __future__ import annotations

import math
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from gateway.access.grants import Grant, Scope
from gateway.clock import Clock
from gateway.errors import Malformed, Unauthenticated

ISSUER = "repair-live"
MAX_TOKEN_BYTES = 1000
"""Real WHIP clients cut longer tokens off."""
MAX_ACCEPTED_BYTES = 4096
CLOCK_SKEW_SECONDS = 60.0
"""How far another issuer's clock may be ahead of ours."""


class IssuedToken(NamedTuple):
    """A signed token and when it ends, in seconds since the epoch."""

    token: str
    expires_at: float

    def __repr__(self) -> str:
        return f"IssuedToken(expires_at={self.expires_at})"


class Tokens:
    """Issues and verifies tokens.

    `public_key` is a PEM text; its kind decides between RS256 and ES256. Raises ValueError when it is
    neither an RSA key nor one on P-256.
    """

    def __init__(
        self, secret: str, clock: Clock, *, public_key: str | None = None, drops: Counter[str] | None = None
    ) -> None:
        self._secret = secret
        self._clock = clock
        self._drops = Counter[str]() if drops is None else drops
        self._keys: dict[str, Any] = {"HS256": secret}
        if public_key is not None:
            algorithm, key = _public_key(public_key)
            self._keys[algorithm] = key

    def __repr__(self) -> str:
        return f"Tokens(algorithms={sorted(self._keys)})"

    def issue(
        self,
        *,
        subject: str,
        scopes: Iterable[Scope],
        ttl: float,
        order_id: str | None = None,
        stream_id: str | None = None,
        camera: str | None = None,
        not_after: float = math.inf,
    ) -> IssuedToken:
        """Sign a token of `ttl` seconds that never outlives `not_after` (seconds since the epoch).

        Times are whole seconds, rounded down. Raises Malformed when the values do not fit into
        MAX_TOKEN_BYTES or nothing of its life is left.
        """
        now = self._clock.time()
        expires_at = math.floor(min(now + ttl, not_after))
        if expires_at <= now:
            raise Malformed("the token would have ended already")
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "sub": subject,
            "scope": " ".join(sorted(scopes)),
            "orderId": order_id,
            "streamId": stream_id,
            "iat": math.floor(now),
            "exp": expires_at,
            "jti": secrets.token_urlsafe(12),
        }
        if camera is not None:
            claims["camera"] = camera
        token = jwt.encode(claims, self._secret, algorithm="HS256")
        if len(token) >= MAX_TOKEN_BYTES:
            raise Malformed("subject, order and camera are too long for a token")
        return IssuedToken(token, float(expires_at))

    def verify(self, token: str) -> Grant:
        """The grant of a valid token. Raises Unauthenticated; the reason is counted, not told."""
        return _grant(self._claims(token))

    def claims(self, token: str) -> Mapping[str, Any]:
        """All claims of a token that `verify` accepts, as they are. Raises Unauthenticated."""
        claims = self._claims(token)
        _grant(claims)
        return claims

    def _claims(self, token: str) -> dict[str, Any]:
        if len(token) > MAX_ACCEPTED_BYTES:
            raise self._refused("token_too_long")
        try:
            algorithm = jwt.get_unverified_header(token).get("alg")
            if algorithm not in self._keys:
                raise self._refused("token_bad_algorithm")
            claims: dict[str, Any] = jwt.decode(
                token,
                self._keys[algorithm],
                algorithms=[algorithm],
                # Times are judged below, by our clock; an audience is another issuer's business.
                options={"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False},
            )
        except (jwt.PyJWTError, ValueError) as error:
            raise self._refused("token_unreadable") from error
        self._check_times(claims)
        if algorithm == "HS256" and claims.get("iss") != ISSUER:
            raise self._refused("token_bad_issuer")
        return claims

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now = self._clock.time()
        if _seconds(claims, "exp") <= now:
            raise self._refused("token_expired")
        if "nbf" in claims and _seconds(claims, "nbf") > now + CLOCK_SKEW_SECONDS:
            raise self._refused("token_not_yet_valid")

    def _refused(self, reason: str) -> Unauthenticated:
        self._drops[reason] += 1
        return Unauthenticated(reason.replace("_", " "))


def _public_key(pem: str) -> tuple[str, rsa.RSAPublicKey | ec.EllipticCurvePublicKey]:
    key = load_pem_public_key(pem.encode())
    if isinstance(key, rsa.RSAPublicKey):
        return "RS256", key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return "ES256", key
    raise ValueError("the public key is neither RSA nor on P-256")


def _seconds(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Unauthenticated(f"{name} is no time")
    return float(value)


def _text(claims: Mapping[str, Any], name: str) -> str | None:
    value = claims.get(name)
    if value is not None and not isinstance(value, str):
        raise Unauthenticated(f"{name} is no text")
    return value or None


def _grant(claims: Mapping[str, Any]) -> Grant:
    """Claims as a grant. Unknown scopes are ignored: other issuers have their own beside ours."""
    words = (_text(claims, "scope") or "").split()
    scopes = frozenset(scope for scope in Scope if scope in words)
    subject = _text(claims, "sub")
    order_id = _text(claims, "orderId")
    if not scopes or subject is None or (order_id is None and Scope.ADMIN not in scopes):
        raise Unauthenticated("the token lacks a subject, a scope or an order")
    return Grant(
        subject=subject,
        scopes=scopes,
        order_id=order_id,
        stream_id=_text(claims, "streamId"),
        camera=_text(claims, "camera"),
        expires_at=_seconds(claims, "exp"),
        token_id=_text(claims, "jti") or "",
    )
