"""SDP offers in, SDP answers out (RFC 8866, RFC 8829): model, parser, writer, negotiation.

Nothing here knows of HTTP, sockets or rooms. `parse` raises only `MalformedSdp`, the negotiation and
`write_answer` only `gateway.errors.Unacceptable`.
"""

from gateway.protocol.sdp.answer import (
    MAX_ANSWER_BYTES,
    LocalDescription,
    SenderStream,
    max_answer_bytes,
    write_answer,
)
from gateway.protocol.sdp.codec_matching import H264Profile, h264_profile, match_codec
from gateway.protocol.sdp.model import (
    Direction,
    ExtMap,
    Group,
    MalformedSdp,
    MediaDescription,
    Rid,
    RtpMap,
    SessionDescription,
    Simulcast,
    SsrcGroup,
    Transport,
)
from gateway.protocol.sdp.parser import parse
from gateway.protocol.sdp.play import negotiate_play
from gateway.protocol.sdp.policy import PlayPolicy, PublishPolicy
from gateway.protocol.sdp.publish import negotiate_publish
from gateway.protocol.sdp.writer import write

__all__ = [
    "MAX_ANSWER_BYTES",
    "Direction",
    "ExtMap",
    "Group",
    "H264Profile",
    "LocalDescription",
    "MalformedSdp",
    "MediaDescription",
    "PlayPolicy",
    "PublishPolicy",
    "Rid",
    "RtpMap",
    "SenderStream",
    "SessionDescription",
    "Simulcast",
    "SsrcGroup",
    "Transport",
    "h264_profile",
    "match_codec",
    "max_answer_bytes",
    "negotiate_play",
    "negotiate_publish",
    "parse",
    "write",
    "write_answer",
]
