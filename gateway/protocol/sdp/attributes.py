"""The grammar of single attribute values: text in, model values out.

Every function raises `MalformedSdp` for what the named RFC does not allow. Where real clients are looser
than the RFC, the comment says so.
"""

from __future__ import annotations

import re

from gateway.protocol.description import Candidate, Fingerprint
from gateway.protocol.sdp.model import (
    Direction,
    ExtMap,
    Group,
    MalformedSdp,
    Rid,
    RtpMap,
    Simulcast,
    SsrcGroup,
)

_TOKEN = re.compile(r"[!#-'*+\-.0-9A-Z^-~]{1,64}", re.ASCII)
_RID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_FINGERPRINT = re.compile(r"[0-9A-F]{2}(?::[0-9A-F]{2}){15,63}")
# RFC 8839 allows letters, digits, "+" and "/" only; nothing depends on that here, so every visible
# character passes that cannot break the "local:remote" user name of a STUN check.
_ICE_UFRAG = re.compile(r"[!-9;-~]{4,256}")
_ICE_PWD = re.compile(r"[!-~]{22,256}")
_DIRECTIONS = {direction.value: direction for direction in Direction}
_RID_DIRECTIONS = {"send": Direction.SENDONLY, "recv": Direction.RECVONLY}


def number(text: str, maximum: int) -> int:
    """An unsigned decimal no larger than `maximum`."""
    if not (text.isascii() and text.isdigit() and len(text) <= 20) or int(text) > maximum:
        raise MalformedSdp(f"not a number up to {maximum}")
    return int(text)


def token(text: str) -> str:
    """A token of RFC 8866 section 9, at most 64 characters long."""
    if not _TOKEN.fullmatch(text):
        raise MalformedSdp("not a token")
    return text


def payload_type(text: str) -> int:
    """An RTP payload type, 0 to 127."""
    return number(text, 127)


def ssrc(text: str) -> int:
    """A synchronisation source, 32 bits."""
    return number(text, 0xFFFFFFFF)


def ice_ufrag(text: str) -> str:
    """RFC 8839 section 5.4."""
    if not _ICE_UFRAG.fullmatch(text):
        raise MalformedSdp("ice-ufrag must have 4 to 256 visible characters")
    return text


def ice_pwd(text: str) -> str:
    """RFC 8839 section 5.4."""
    if not _ICE_PWD.fullmatch(text):
        raise MalformedSdp("ice-pwd must have 22 to 256 visible characters")
    return text


def ice_options(text: str) -> tuple[str, ...]:
    """RFC 8839 section 5.6; libdatachannel (OBS) puts commas where the RFC has spaces."""
    return tuple(text.replace(",", " ").split())


def fingerprint(text: str) -> Fingerprint:
    """RFC 8122 section 5; the hash name in any case, the digest in any case."""
    algorithm, _, value = text.partition(" ")
    value = value.strip().upper()
    if not _FINGERPRINT.fullmatch(value):
        raise MalformedSdp("a fingerprint must be pairs of hexadecimal digits between colons")
    return Fingerprint(token(algorithm).lower(), value)


def rtpmap(text: str) -> RtpMap:
    """RFC 8866 section 6.6."""
    number_text, _, encoding = text.partition(" ")
    parts = encoding.strip().split("/")
    if len(parts) not in (2, 3):
        raise MalformedSdp("an rtpmap must name encoding and clock rate")
    channels = number(parts[2], 255) if len(parts) == 3 else 1
    return RtpMap(payload_type(number_text), token(parts[0]), number(parts[1], 10_000_000), channels)


def format_parameters(text: str) -> tuple[int, dict[str, str]]:
    """`a=fmtp` (RFC 8866 section 6.15): payload type and parameters."""
    number_text, _, rest = text.partition(" ")
    if not rest.isascii():
        raise MalformedSdp("format parameters must be ASCII")
    parameters: dict[str, str] = {}
    for part in rest.split(";"):
        key, _, value = part.strip().partition("=")
        if key:
            parameters[key.strip().lower()] = value.strip()
    return payload_type(number_text), parameters


def feedback(text: str) -> tuple[int | None, str]:
    """`a=rtcp-fb` (RFC 4585 section 4.2): payload type (None for `*`) and value, single-spaced."""
    words = text.split()
    if len(words) < 2:
        raise MalformedSdp("an rtcp-fb must name payload type and feedback")
    return None if words[0] == "*" else payload_type(words[0]), " ".join(words[1:]).lower()


def extmap(text: str) -> ExtMap:
    """RFC 8285 section 8. Attributes of the extension are dropped."""
    words = text.split()
    if len(words) < 2:
        raise MalformedSdp("an extmap must name an id and a URI")
    id_text, slash, direction = words[0].partition("/")
    if slash and direction not in _DIRECTIONS:
        raise MalformedSdp("an extmap's direction must be one of the four")
    return ExtMap(number(id_text, 4351), words[1], _DIRECTIONS.get(direction))


def group(text: str) -> Group:
    """RFC 5888 section 5."""
    words = text.split()
    if not words:
        raise MalformedSdp("a group must name its semantics")
    return Group(token(words[0]), tuple(token(word) for word in words[1:]))


def rid(text: str) -> Rid:
    """RFC 8851 section 10."""
    words = text.split()
    if len(words) < 2 or words[1] not in _RID_DIRECTIONS:
        raise MalformedSdp("a rid must name an id and send or recv")
    return Rid(_rid_name(words[0]), _RID_DIRECTIONS[words[1]])


def simulcast(text: str) -> Simulcast | None:
    """RFC 8853 section 5.1; paused layers (`~`) count as layers.

    None for the `rid=` and `pt=` forms of its early drafts, which some clients still add beside the real one.
    """
    words = text.split()
    if len(words) not in (2, 4) or any(word not in _RID_DIRECTIONS for word in words[::2]):
        raise MalformedSdp("simulcast must be direction and streams, once or twice")
    if any("=" in word for word in words):
        return None
    streams = {
        direction: tuple(
            tuple(_rid_name(alternative.removeprefix("~")) for alternative in stream.split(","))
            for stream in value.split(";")
        )
        for direction, value in zip(words[::2], words[1::2], strict=True)
    }
    return Simulcast(send=streams.get("send", ()), recv=streams.get("recv", ()))


def _rid_name(text: str) -> str:
    if not _RID.fullmatch(text):
        raise MalformedSdp("a rid must have 1 to 32 letters, digits, - or _")
    return text


def ssrc_attribute(text: str) -> tuple[int, str, str]:
    """`a=ssrc` (RFC 5576 section 4.1): source, attribute name (may be empty) and value."""
    ssrc_text, _, attribute = text.partition(" ")
    name, _, value = attribute.strip().partition(":")
    return ssrc(ssrc_text), name, value


def ssrc_group(text: str) -> SsrcGroup:
    """RFC 5576 section 4.2."""
    words = text.split()
    if not words:
        raise MalformedSdp("an ssrc-group must name its semantics")
    return SsrcGroup(token(words[0]), tuple(ssrc(word) for word in words[1:]))


def candidate(text: str) -> Candidate:
    """RFC 8839 section 5.1 and, for `tcptype`, RFC 6544. Other extensions are dropped.

    The address is not looked at: it may be a name such as those that hide local addresses.
    """
    words = text.split()
    if len(words) < 8 or words[6] != "typ":
        raise MalformedSdp("a candidate must have at least foundation to type")
    extensions = dict(zip(words[8::2], words[9::2], strict=False))
    return Candidate(
        foundation=words[0],
        component=number(words[1], 256),
        transport=token(words[2]).lower(),
        priority=number(words[3], 0xFFFFFFFF),
        host=words[4],
        port=number(words[5], 65535),
        type=token(words[7]),
        tcp_type=extensions.get("tcptype"),
    )


def candidate_text(value: Candidate) -> str:
    """The attribute's value for `value`; what `candidate` reads back."""
    text = (
        f"{value.foundation} {value.component} {value.transport} {value.priority}"
        f" {value.host} {value.port} typ {value.type}"
    )
    return f"{text} tcptype {value.tcp_type}" if value.tcp_type else text
