"""Errors of the domain. They know nothing of HTTP: `api/errors.py` turns them into status codes.

`code` is stable and machine-readable; the sentence a person reads is looked up by it in `api`.
`detail` is for operators and developers: English, never a secret.
"""

from __future__ import annotations

from typing import ClassVar


class GatewayError(Exception):
    """Base of every error that a caller of the gateway may cause or see."""

    code: ClassVar[str] = "internal"

    def __init__(self, detail: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(detail or self.code)
        self.detail = detail
        self.retry_after = retry_after
        """Seconds after which the same call may succeed, where that is known."""


class Malformed(GatewayError):
    """The input cannot be read at all."""

    code = "malformed"


class TooLarge(GatewayError):
    """The input is larger than its cap."""

    code = "too_large"


class UnsupportedType(GatewayError):
    """The body is of a type this operation does not take."""

    code = "unsupported_type"


class Unacceptable(GatewayError):
    """The input can be read but not be served: no common codec, two video tracks, and the like."""

    code = "unacceptable"


class UnknownLayer(Unacceptable):
    """A player asked for a layer, or an m-line, that is not on offer."""

    code = "unknown_layer"


class Unauthenticated(GatewayError):
    """No token, or one that is invalid or has expired."""

    code = "invalid_token"


class WrongCredentials(GatewayError):
    """Login unknown or password wrong; never said which."""

    code = "wrong_credentials"


class AccessExpired(GatewayError):
    """The credentials were right once; the access has ended."""

    code = "access_expired"


class Forbidden(GatewayError):
    """A valid token that does not allow this."""

    code = "forbidden"


class Kicked(Forbidden):
    """The technician has sent the bearer of a valid token out of the order, for a while."""

    code = "kicked"


class NotFound(GatewayError):
    """No such order, session or page."""

    code = "not_found"


class Conflict(GatewayError):
    """The state does not allow this now: somebody else publishes, or nobody does."""

    code = "conflict"


class NotLive(Conflict):
    """Nobody publishes on this camera at the moment."""

    code = "not_live"


class TalkRefused(Conflict):
    """The caller may not speak now; the subclasses say why."""

    code = "talk_refused"


class TalkWaiting(TalkRefused):
    """It is in the queue until the technician gives it the floor."""

    code = "talk_waiting"


class TalkOff(TalkRefused):
    """Nobody may speak in this order."""

    code = "talk_off"


class TalkMuted(TalkRefused):
    """The technician has muted this talker."""

    code = "talk_muted"


class TalkFull(TalkRefused):
    """Too many speak or wait already."""

    code = "talk_full"


class ConversationFull(Conflict):
    """The order keeps as many messages or markers as it may."""

    code = "conversation_full"


class PreconditionRequired(GatewayError):
    """An ICE restart without If-Match."""

    code = "precondition_required"


class PreconditionFailed(GatewayError):
    """If-Match names an ICE session that is no longer current."""

    code = "precondition_failed"


class RateLimited(GatewayError):
    """Too many attempts."""

    code = "rate_limited"


class Unavailable(GatewayError):
    """Draining or overloaded: try another process or later."""

    code = "unavailable"
