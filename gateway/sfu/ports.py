"""What the SFU needs of the shell around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from gateway.protocol.description import Address
from gateway.protocol.srtp import Encrypt
from gateway.sfu.load import Load


class Egress(Protocol):
    """The media socket's sending side."""

    max_segments: int
    """Segments that one datagram burst may have; 1 where the device refuses segmentation offload."""

    load: Load
    """How busy the loop is."""

    clock: Callable[[], float]
    """Monotonic seconds, read once a burst and viewer: a sweep over many viewers takes its time."""

    def segmentation(self, segment_size: int) -> Sequence[tuple[int, int, bytes]]:
        """Ancillary data for `sendmsg` that cuts a buffer into segments of this size."""
        ...

    def sendmsg(
        self,
        buffers: Sequence[Any],
        ancillary: Sequence[tuple[int, int, bytes]],
        flags: int,
        address: Address,
        /,
    ) -> int:
        """As `socket.sendmsg`; OSError where the kernel refuses."""
        ...

    def refused(self, error: OSError, burst: memoryview, segment_size: int, address: Address) -> None:
        """Deal with a burst that `sendmsg` refused: count it, or send it another way. Never raises."""
        ...


class OutboundMedia(Protocol):
    """The SRTP sender of one connected peer; `protocol.srtp.OutboundSrtp` is one."""

    def protect_rtp(self, packet: bytes, index: int) -> bytes:
        """Encrypt a packet under a 48-bit index."""
        ...

    def gcm_stream(self, ssrc: int) -> tuple[Encrypt, int] | None:
        """The encryptor and nonce base of a stream; None where the profile is not GCM."""
        ...


class MediaLink(Protocol):
    """One connected peer, as a publisher or subscriber speaks to it outside the hot path."""

    def send_rtcp(self, packet: bytes) -> None:
        """Protect and send a compound or reduced-size RTCP packet."""
        ...

    def send_rtp(self, packet: bytes, index: int) -> None:
        """Protect and send one RTP packet under its 48-bit index: retransmissions."""
        ...

    def close(self, reason: str) -> None:
        """Ask for the session's end."""
        ...
