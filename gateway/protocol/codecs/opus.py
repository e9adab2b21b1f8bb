"""Opus in RTP (RFC 7587): every packet can be decoded by itself."""

from __future__ import annotations


def is_keyframe(payload: bytes) -> bool:
    """True: a decoder may start at any packet."""
    return True


def resolution(payload: bytes) -> None:
    """None: sound has no picture size."""
