"""Small offers for tables of cases: each test states only the lines it is about."""

from __future__ import annotations

from gateway.protocol.description import Candidate, Fingerprint, IceCredentials
from gateway.protocol.sdp import LocalDescription, SenderStream

FINGERPRINT = "sha-256 " + ":".join(f"{byte:02X}" for byte in range(32))
ICE = ("a=ice-ufrag:remo", "a=ice-pwd:remotepasswordremotepw")
TRANSPORT = (*ICE, f"a=fingerprint:{FINGERPRINT}", "a=setup:actpass")
OPUS = ("a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1")
VP8 = ("a=rtpmap:96 VP8/90000", "a=rtcp-fb:96 nack", "a=rtcp-fb:96 nack pli")

LOCAL = LocalDescription(
    ice=IceCredentials("loca", "localpasswordlocalpasswd"),
    fingerprint=Fingerprint("sha-256", ":".join(["AB"] * 32)),
    candidates=(
        Candidate("1", 1, "udp", 2130706431, "192.0.2.1", 8189),
        Candidate("2", 1, "tcp", 1671430143, "192.0.2.1", 8189, tcp_type="passive"),
    ),
    session_id=4711,
)


def session(*media: str, bundle: str | None = "0 1", lines: tuple[str, ...] = TRANSPORT) -> str:
    """A description with session-level `lines` and media sections made by `section`."""
    group = () if bundle is None else (f"a=group:BUNDLE {bundle}",)
    head = ("v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", *group, *lines)
    return "".join(f"{line}\r\n" for line in head) + "".join(media)


def section(m_line: str, *lines: str, mid: str | None = None, mux: bool = True) -> str:
    """One media section; `m_line` is without `m=`."""
    fixed = [f"m={m_line}", "c=IN IP4 0.0.0.0"]
    if mid is not None:
        fixed.append(f"a=mid:{mid}")
    if mux:
        fixed.append("a=rtcp-mux")
    return "".join(f"{line}\r\n" for line in (*fixed, *lines))


def audio(
    *lines: str, mid: str | None = "0", direction: str = "sendonly", port: int = 9, mux: bool = True
) -> str:
    """An Opus section."""
    return section(f"audio {port} UDP/TLS/RTP/SAVPF 111", f"a={direction}", *OPUS, *lines, mid=mid, mux=mux)


def video(
    *lines: str, mid: str | None = "1", direction: str = "sendonly", port: int = 9, mux: bool = True
) -> str:
    """A VP8 section."""
    return section(f"video {port} UDP/TLS/RTP/SAVPF 96", f"a={direction}", *VP8, *lines, mid=mid, mux=mux)


def video_with(formats: str, *lines: str, direction: str = "sendonly", mid: str = "1") -> str:
    """A video section with these payload types and nothing but `lines`."""
    return section(f"video 9 UDP/TLS/RTP/SAVPF {formats}", f"a={direction}", *lines, mid=mid)


def sender(mid: str, ssrc: int = 1000, rtx_ssrc: int | None = None) -> SenderStream:
    return SenderStream(mid, ssrc, rtx_ssrc, "gateway", "main", f"track-{mid}")
