"""The list of header extensions is what interop with browsers and OBS needs."""

from __future__ import annotations

from gateway.protocol import extensions


def test_every_constant_is_supported_once() -> None:
    constants = {
        value
        for name, value in vars(extensions).items()
        if name.isupper() and isinstance(value, str) and not name.startswith("_")
    }
    assert set(extensions.SUPPORTED) == constants
    assert len(extensions.SUPPORTED) == len(constants) == 10


def test_uris_are_what_aiortc_registers() -> None:
    from aiortc.codecs import HEADER_EXTENSIONS

    ours = set(extensions.SUPPORTED)
    theirs = {extension.uri for group in HEADER_EXTENSIONS.values() for extension in group}
    assert theirs <= ours
