"""What a server's SDP answer left of our offer."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace

from gateway.client.connection import RemotePeer
from gateway.client.errors import ClientError
from gateway.client.offer import Offer
from gateway.protocol.description import (
    Address,
    Candidate,
    Codec,
    DtlsRole,
    IceCredentials,
    MediaKind,
    NegotiatedMedia,
)
from gateway.protocol.sdp.model import MalformedSdp, MediaDescription, SessionDescription
from gateway.protocol.sdp.parser import parse


@dataclass(frozen=True, slots=True)
class Answer:
    """The transport of the server and the m-lines it accepted, in the offer's order."""

    remote: RemotePeer
    media: tuple[NegotiatedMedia, ...]

    def first(self, kind: MediaKind) -> NegotiatedMedia | None:
        """The accepted m-line of `kind`, if there is one."""
        return next((line for line in self.media if line.kind is kind and not line.rejected), None)

    @property
    def family(self) -> int:
        """The address family that all of `remote.addresses` are of."""
        return socket.AF_INET6 if ":" in self.remote.addresses[0][0] else socket.AF_INET


def read_answer(offer: Offer, text: str) -> Answer:
    """Read an answer to `offer`. Raises ClientError where it cannot be used."""
    try:
        description = parse(text)
    except MalformedSdp as error:
        raise ClientError(f"the answer cannot be read: {error}") from error
    if len(description.media) != len(offer.media):
        raise ClientError("the answer has another number of m-lines than the offer")
    media = tuple(
        _accepted(ours, theirs) for ours, theirs in zip(offer.media, description.media, strict=True)
    )
    return Answer(_remote(description), media)


def _accepted(ours: NegotiatedMedia, theirs: MediaDescription) -> NegotiatedMedia:
    if not theirs.enabled:
        return replace(ours, rejected=True, codecs=(), rids=())
    codecs = tuple(
        replace(codec, rtx_payload_type=_kept_rtx(codec, theirs))
        for codec in ours.codecs
        if str(codec.payload_type) in theirs.formats
    )
    if not codecs:
        raise ClientError(f"the answer accepts {ours.kind} without a codec of ours")
    # The answer's order is the server's preference.
    codecs = tuple(sorted(codecs, key=lambda codec: theirs.formats.index(str(codec.payload_type))))
    extensions = {extmap.uri: extmap.id for extmap in theirs.extmaps if extmap.uri in ours.extensions}
    received = {rid for stream in theirs.simulcast.recv for rid in stream} if theirs.simulcast else set()
    rids = tuple(rid for rid in ours.rids if rid in received)
    return replace(ours, codecs=codecs, extensions=extensions, rids=rids)


def _kept_rtx(codec: Codec, theirs: MediaDescription) -> int | None:
    return codec.rtx_payload_type if str(codec.rtx_payload_type) in theirs.formats else None


def _remote(description: SessionDescription) -> RemotePeer:
    line = next((media for media in description.media if media.enabled), None)
    if line is None:
        raise ClientError("the answer rejects everything")
    transport = description.transport_of(line)
    if not transport.ice_ufrag or not transport.ice_pwd or not transport.fingerprints:
        raise ClientError("the answer lacks ICE credentials or a fingerprint")
    candidates = [candidate for media in description.media for candidate in media.candidates]
    addresses = list(dict.fromkeys(_usable_addresses(candidates)))
    if not addresses:
        raise ClientError("the answer names no UDP candidate")
    # One socket has one family; the server's best candidate decides.
    wide = ":" in addresses[0][0]
    return RemotePeer(
        IceCredentials(transport.ice_ufrag, transport.ice_pwd),
        transport.fingerprints,
        tuple(address for address in addresses if (":" in address[0]) is wide),
        DtlsRole.SERVER if transport.setup == "active" else DtlsRole.CLIENT,
    )


def _usable_addresses(candidates: list[Candidate]) -> Iterator[Address]:
    for candidate in candidates:
        if candidate.transport.lower() == "udp" and candidate.component == 1:
            try:
                ipaddress.ip_address(candidate.host)
            except ValueError:
                continue
            yield candidate.host, candidate.port
