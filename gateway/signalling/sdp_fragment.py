"""`application/trickle-ice-sdpfrag`, the body of a PATCH and of its answer (RFC 8840, RFC 9725).

Clients write these bodies in many ways, so reading is tolerant: credentials at session or media level, with
or without m-lines, any m-line at all. Whether a fragment restarts ICE is for the caller to decide, by
comparing the credentials.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.protocol.description import Candidate, IceCredentials
from gateway.protocol.sdp import MalformedSdp, attributes
from gateway.protocol.sdp.parser import split_lines


@dataclass(frozen=True, slots=True)
class SdpFragment:
    """The parts of a fragment that matter to an ICE-lite server."""

    credentials: IceCredentials | None = None
    """The sender's; None unless both ufrag and password are there."""
    candidates: tuple[Candidate, ...] = ()
    """UDP candidates with a literal address."""
    end_of_candidates: bool = False
    mids: tuple[str, ...] = ()
    """As written by `a=mid`, in order, each once."""


def parse(text: str) -> SdpFragment:
    """Read a fragment.

    Candidates that we could never use (TCP, `.local` and other names) are passed over. With several m-lines
    the first credentials count: everything is bundled. Raises `MalformedSdp` for an empty body, for lines
    that are no SDP, and for broken values of the attributes that are read.
    """
    lines = list(split_lines(text))
    if not lines:
        raise MalformedSdp("an empty fragment")
    ufrag: str | None = None
    pwd: str | None = None
    candidates: list[Candidate] = []
    mids: dict[str, None] = {}
    ended = False
    for kind, attribute in lines:
        name, _, value = attribute.partition(":")
        value = value.strip()
        match (kind, name):
            case ("a", "ice-ufrag"):
                ufrag = ufrag or attributes.ice_ufrag(value)
            case ("a", "ice-pwd"):
                pwd = pwd or attributes.ice_pwd(value)
            case ("a", "mid"):
                mids[attributes.token(value)] = None
            case ("a", "end-of-candidates"):
                ended = True
            case ("a", "candidate") if value:
                candidates.append(attributes.candidate(value))
    return SdpFragment(
        credentials=IceCredentials(ufrag, pwd) if ufrag is not None and pwd is not None else None,
        candidates=tuple(candidate for candidate in candidates if _usable(candidate)),
        end_of_candidates=ended,
        mids=tuple(mids),
    )


def write_restart_fragment(ice: IceCredentials, candidates: Sequence[Candidate], mids: Sequence[str]) -> str:
    """Our new credentials and all candidates, for the bundled m-lines `mids` (at least one).

    The kind, port and format of the m-line mean nothing in a fragment (RFC 8840 section 9.2).
    """
    lines = [
        "a=ice-lite",
        "a=ice-options:trickle",
        f"a=group:BUNDLE {' '.join(mids)}",
        "m=audio 9 UDP/TLS/RTP/SAVPF 0",
        f"a=mid:{mids[0]}",
        f"a=ice-ufrag:{ice.ufrag}",
        f"a=ice-pwd:{ice.pwd}",
        *(f"a=candidate:{attributes.candidate_text(candidate)}" for candidate in candidates),
        "a=end-of-candidates",
    ]
    return "".join(f"{line}\r\n" for line in lines)


def _usable(candidate: Candidate) -> bool:
    if candidate.transport != "udp":
        return False
    try:
        ipaddress.ip_address(candidate.host)
    except ValueError:
        return False
    return True
