"""Which streams an offer announces by `a=ssrc` on a line that it sends on (RFC 5576)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gateway.errors import Unacceptable
from gateway.protocol.description import SignalledSsrc
from gateway.protocol.sdp.model import MediaDescription

_MAX_SOURCES: Final = 32


def announced_sources(media: MediaDescription) -> tuple[SignalledSsrc, ...]:
    """Media ssrcs: those of a SIM group first, in its order; repair streams only as companions.

    Raises `Unacceptable` for more of them than anybody has a use for.
    """
    repairs: dict[int, int] = {}
    companions: set[int] = set()
    layers: list[int] = []
    for group in media.ssrc_groups:
        if group.semantics == "SIM":
            layers.extend(group.ssrcs)
        elif group.semantics in ("FID", "FEC-FR") and len(group.ssrcs) == 2:
            companions.add(group.ssrcs[1])
            if group.semantics == "FID":
                repairs.setdefault(*group.ssrcs)
    primary = [ssrc for ssrc in dict.fromkeys((*layers, *repairs, *media.ssrcs)) if ssrc not in companions]
    if len(primary) > _MAX_SOURCES:
        raise Unacceptable(f"more than {_MAX_SOURCES} ssrcs for {media.kind}")
    return tuple(SignalledSsrc(ssrc, repairs.get(ssrc), cname) for ssrc, cname in _with_cname(media, primary))


def _with_cname(media: MediaDescription, ssrcs: list[int]) -> Iterator[tuple[int, str | None]]:
    return ((ssrc, media.ssrcs.get(ssrc, {}).get("cname")) for ssrc in ssrcs)
