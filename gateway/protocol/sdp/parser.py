"""Text to `SessionDescription`: strict about what we use, silent about what we do not.

One pass, linear in the input, and capped: 128 KiB, 8192 lines, 32 m-lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from gateway.protocol.description import Candidate, Fingerprint
from gateway.protocol.sdp import attributes
from gateway.protocol.sdp.model import (
    Direction,
    ExtMap,
    Group,
    MalformedSdp,
    MediaDescription,
    Rid,
    RtpMap,
    SessionDescription,
    SsrcGroup,
    Transport,
)

MAX_CHARACTERS: Final = 128 * 1024
MAX_LINES: Final = 8192
MAX_MEDIA: Final = 32

_LINE_TYPES: Final = frozenset("vosiuepcbtrzkam")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u2028\u2029\x85\ud800-\udfff]")


def parse(text: str) -> SessionDescription:
    """Read an offer or an answer; lines may end with CRLF or LF.

    Raises `MalformedSdp` for anything that is not SDP, breaks the grammar of an attribute that we use, or
    exceeds a cap.
    """
    lines = split_lines(text)
    if next(lines, None) != ("v", "0"):
        raise MalformedSdp("a description starts with v=0")
    session = _Session()
    sections: list[_Media] = []
    for kind, value in lines:
        if kind == "m":
            if len(sections) == MAX_MEDIA:
                raise MalformedSdp(f"more than {MAX_MEDIA} m-lines")
            sections.append(_Media(value))
        elif sections:
            sections[-1].line(kind, value)
        else:
            session.line(kind, value)
    return session.finish(sections)


def split_lines(text: str) -> Iterator[tuple[str, str]]:
    """Type letter and value of each line; blank lines are passed over.

    Raises `MalformedSdp` for control characters, for lines that are not `x=value`, and for too many of them.
    """
    if len(text) > MAX_CHARACTERS:
        raise MalformedSdp(f"longer than {MAX_CHARACTERS} characters")
    if text.count("\n") > MAX_LINES:
        raise MalformedSdp(f"more than {MAX_LINES} lines")
    if _CONTROL.search(text.replace("\r\n", "\n").removesuffix("\r")):
        raise MalformedSdp("control characters")
    for line in text.split("\n"):
        line = line.removesuffix("\r")
        if not line:
            continue
        if line[1:2] != "=" or line[0] not in _LINE_TYPES:
            raise MalformedSdp("a line must be a known letter, = and a value")
        yield line[0], line[2:]


class _Section:
    """What session and media level share: transport attributes, extensions, direction."""

    def __init__(self) -> None:
        self.transport: dict[str, Any] = {}
        self.fingerprints: list[Fingerprint] = []
        self.direction: Direction | None = None
        self.extmaps: list[ExtMap] = []
        self.flags: set[str] = set()

    def attribute(self, name: str, value: str) -> bool:
        """Take a shared attribute; False when `name` is not one."""
        match name:
            case "ice-ufrag":
                self.transport["ice_ufrag"] = attributes.ice_ufrag(value)
            case "ice-pwd":
                self.transport["ice_pwd"] = attributes.ice_pwd(value)
            case "ice-options":
                self.transport["ice_options"] = attributes.ice_options(value)
            case "setup":
                self.transport["setup"] = value.lower()
            case "fingerprint":
                self.fingerprints.append(attributes.fingerprint(value))
            case "extmap":
                self.extmaps.append(attributes.extmap(value))
            case "sendrecv" | "sendonly" | "recvonly" | "inactive":
                self.direction = Direction(name)
            case "ice-lite" | "extmap-allow-mixed":
                self.flags.add(name)
            case _:
                return False
        return True

    def finished_transport(self) -> Transport:
        return Transport(**self.transport, fingerprints=tuple(self.fingerprints))


class _Session(_Section):
    def __init__(self) -> None:
        super().__init__()
        self.origin: str | None = None
        self.name = "-"
        self.groups: list[Group] = []
        self.msid_semantic: str | None = None

    def line(self, kind: str, value: str) -> None:
        if kind == "a":
            name, _, rest = value.partition(":")
            rest = rest.strip()
            if self.attribute(name, rest):
                return
            if name == "group":
                self.groups.append(attributes.group(rest))
            elif name == "msid-semantic":
                self.msid_semantic = rest
        elif kind == "o":
            self.origin = value
        elif kind == "s":
            self.name = value
        elif kind == "v":
            raise MalformedSdp("a second v= line")

    def finish(self, sections: list[_Media]) -> SessionDescription:
        if self.origin is None:
            raise MalformedSdp("no o= line")
        media = tuple(section.finish(self) for section in sections)
        mids = [m.mid for m in media if m.mid is not None]
        if len(set(mids)) != len(mids):
            raise MalformedSdp("two m-lines with the same mid")
        return SessionDescription(
            origin=self.origin,
            media=media,
            name=self.name,
            groups=tuple(self.groups),
            transport=self.finished_transport(),
            ice_lite="ice-lite" in self.flags,
            extmap_allow_mixed="extmap-allow-mixed" in self.flags,
            msid_semantic=self.msid_semantic,
        )


class _Media(_Section):
    def __init__(self, value: str) -> None:
        super().__init__()
        self.description = _media_line(value)
        self.fields: dict[str, Any] = {}
        self.rtpmaps: dict[int, RtpMap] = {}
        self.parameters: dict[int, dict[str, str]] = {}
        self.feedback: dict[int | None, dict[str, None]] = {}
        self.rids: list[Rid] = []
        self.ssrcs: dict[int, dict[str, str]] = {}
        self.ssrc_groups: list[SsrcGroup] = []
        self.candidates: list[Candidate] = []

    def line(self, kind: str, value: str) -> None:
        if kind == "a":
            name, _, rest = value.partition(":")
            rest = rest.strip()
            if not self.attribute(name, rest) and name in _MEDIA_ATTRIBUTES:
                _MEDIA_ATTRIBUTES[name](self, rest)
        elif kind == "c":
            self.fields["host"] = _connection_host(value)
        elif kind in "vost":
            raise MalformedSdp(f"a {kind}= line behind an m-line")

    def set_mid(self, value: str) -> None:
        if "mid" in self.fields:
            raise MalformedSdp("two mids for one m-line")
        self.fields["mid"] = attributes.token(value)

    def set_msid(self, value: str) -> None:
        self.fields["msid"] = value

    def add_rtpmap(self, value: str) -> None:
        rtpmap = attributes.rtpmap(value)
        self.rtpmaps[rtpmap.payload_type] = rtpmap

    def add_parameters(self, value: str) -> None:
        payload_type, parameters = attributes.format_parameters(value)
        self.parameters.setdefault(payload_type, {}).update(parameters)

    def add_feedback(self, value: str) -> None:
        payload_type, feedback = attributes.feedback(value)
        self.feedback.setdefault(payload_type, {})[feedback] = None

    def add_rid(self, value: str) -> None:
        self.rids.append(attributes.rid(value))

    def set_simulcast(self, value: str) -> None:
        simulcast = attributes.simulcast(value)
        if simulcast is not None:
            self.fields["simulcast"] = simulcast

    def add_ssrc(self, value: str) -> None:
        ssrc, name, attribute = attributes.ssrc_attribute(value)
        source = self.ssrcs.setdefault(ssrc, {})
        if name:
            source[name] = attribute

    def add_ssrc_group(self, value: str) -> None:
        self.ssrc_groups.append(attributes.ssrc_group(value))

    def add_candidate(self, value: str) -> None:
        # An empty candidate is how some clients say that there are no more.
        if value:
            self.candidates.append(attributes.candidate(value))

    def finish(self, session: _Session) -> MediaDescription:
        return replace(
            self.description,
            **self.fields,
            direction=self.direction or session.direction or Direction.SENDRECV,
            transport=self.finished_transport(),
            extmap_allow_mixed="extmap-allow-mixed" in self.flags,
            extmaps=(*self.extmaps, *session.extmaps),
            rtpmaps=self.rtpmaps,
            parameters=self.parameters,
            feedback={payload_type: tuple(values) for payload_type, values in self.feedback.items()},
            rids=tuple(self.rids),
            ssrcs=self.ssrcs,
            ssrc_groups=tuple(self.ssrc_groups),
            candidates=tuple(self.candidates),
        )


def _flag(name: str) -> Callable[[_Media, str], None]:
    def set_flag(media: _Media, _value: str) -> None:
        media.fields[name] = True

    return set_flag


_MEDIA_ATTRIBUTES: Final[dict[str, Callable[[_Media, str], None]]] = {
    "mid": _Media.set_mid,
    "msid": _Media.set_msid,
    "rtcp-mux": _flag("rtcp_mux"),
    "rtcp-mux-only": _flag("rtcp_mux_only"),
    "rtcp-rsize": _flag("rtcp_reduced_size"),
    "bundle-only": _flag("bundle_only"),
    "end-of-candidates": _flag("end_of_candidates"),
    "rtpmap": _Media.add_rtpmap,
    "fmtp": _Media.add_parameters,
    "rtcp-fb": _Media.add_feedback,
    "rid": _Media.add_rid,
    "simulcast": _Media.set_simulcast,
    "ssrc": _Media.add_ssrc,
    "ssrc-group": _Media.add_ssrc_group,
    "candidate": _Media.add_candidate,
}


def _media_line(value: str) -> MediaDescription:
    words = value.split()
    if len(words) < 4:
        raise MalformedSdp("an m-line must name media, port, protocol and a format")
    kind, port, protocol, *formats = words
    # "port/count" is for layered multicast; the count means nothing to us.
    port_number = attributes.number(port.partition("/")[0], 65535)
    for part in protocol.split("/"):
        attributes.token(part)
    return MediaDescription(
        kind=attributes.token(kind),
        port=port_number,
        protocol=protocol,
        formats=tuple(attributes.token(item) for item in formats),
    )


def _connection_host(value: str) -> str:
    words = value.split()
    if len(words) != 3 or words[0] != "IN" or words[1] not in ("IP4", "IP6"):
        raise MalformedSdp("a c= line must be IN, IP4 or IP6 and an address")
    return words[2].partition("/")[0]
