"""Logins and passwords that survive a telephone call, and what people make of them while typing."""

from __future__ import annotations

import re
import secrets

ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
"""31 symbols, none of which looks like another: no 0 and o, no 1, i and l, no capitals."""

LOGIN_PREFIX = "repair_"
LOGIN_SYMBOLS = 8
GROUPS = 3
GROUP_SYMBOLS = 5
"""3 x 5 symbols are 74 bits."""

MAX_LOGIN_LENGTH = 50
MAX_PASSWORD_BYTES = 72
"""bcrypt reads no further."""

_LOGIN = re.compile(rf"[a-z0-9][a-z0-9_.@+-]{{0,{MAX_LOGIN_LENGTH - 1}}}")
_GENERATED = re.compile(rf"[{ALPHABET}]{{{GROUPS * GROUP_SYMBOLS}}}")


def new_login() -> str:
    """For example `repair_k7mx2dph`."""
    return LOGIN_PREFIX + _symbols(LOGIN_SYMBOLS)


def new_password() -> str:
    """For example `k7mxw-2dphq-9tv4c`."""
    return "-".join(_symbols(GROUP_SYMBOLS) for _ in range(GROUPS))


def normalise_login(typed: str) -> str | None:
    """A login as it is stored; None when nothing stored can look like this."""
    login = typed.strip().lower()
    return login if _LOGIN.fullmatch(login) else None


def normalise_password(typed: str) -> str:
    """A generated password typed with capitals, spaces or without dashes in its stored form.

    Anything else is a password that somebody chose, and stays as it is.
    """
    symbols = re.sub(r"[\s‐-―-]", "", typed).lower()
    if not _GENERATED.fullmatch(symbols):
        return typed
    return "-".join(symbols[i : i + GROUP_SYMBOLS] for i in range(0, len(symbols), GROUP_SYMBOLS))


def _symbols(count: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(count))
