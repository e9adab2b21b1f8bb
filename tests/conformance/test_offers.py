"""Every captured offer gets an answer that keeps the promises of RFC 8829, and that others can read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import aiortc.sdp
import pytest

from gateway.errors import Unacceptable
from gateway.protocol import extensions
from gateway.protocol.description import Candidate, Fingerprint, IceCredentials, MediaKind, NegotiatedSession
from gateway.protocol.sdp import (
    Direction,
    LocalDescription,
    MediaDescription,
    PlayPolicy,
    PublishPolicy,
    SessionDescription,
    max_answer_bytes,
    negotiate_play,
    negotiate_publish,
    parse,
    write_answer,
)
from gateway.signalling.opening import sender_streams

OFFERS = sorted((Path(__file__).parent / "offers").rglob("*.sdp"))
LOCAL = LocalDescription(
    ice=IceCredentials("gate", "waywaywaywaywaywaywayway"),
    fingerprint=Fingerprint("sha-256", ":".join(["5C"] * 32)),
    candidates=(
        Candidate("1", 1, "udp", 2130706431, "192.0.2.1", 8189),
        Candidate("2", 1, "udp", 2130706175, "2001:db8::1", 8189),
    ),
    session_id=2**62,
)
PUBLISH = PublishPolicy(talk_slots=3)
PLAY = PlayPolicy(video_lines=4, audio_lines=3, talk=True)
"""What our own pages may ask for; nobody else does."""
BOTH_WAYS = ("studio", "play-talk", "play-cameras")


@dataclass(frozen=True)
class Exchange:
    """One offer and what the gateway made of it."""

    publishes: bool
    offer: SessionDescription
    negotiated: NegotiatedSession
    text: str

    @property
    def answer(self) -> SessionDescription:
        return parse(self.text)

    @property
    def accepted(self) -> list[tuple[MediaDescription, MediaDescription]]:
        pairs = zip(self.offer.media, self.answer.media, strict=True)
        return [(offered, answered) for offered, answered in pairs if answered.port != 0]


@pytest.fixture(params=OFFERS, ids=lambda path: path.stem)
def exchange(request: pytest.FixtureRequest) -> Exchange:
    publishes = is_publisher(request.param)
    offer = parse(request.param.read_bytes().decode())
    negotiated = negotiate_publish(offer, PUBLISH) if publishes else negotiate_play(offer, PLAY)
    answer = write_answer(offer, negotiated, LOCAL, sender_streams(negotiated))
    return Exchange(publishes, offer, negotiated, answer)


def is_publisher(path: Path) -> bool:
    publishes = "publish" in path.stem or "studio" in path.stem
    assert publishes or "play" in path.stem
    return publishes


def test_there_are_offers_of_all_clients() -> None:
    clients = {path.stem.split("-")[0] for path in OFFERS}
    assert clients >= {"aiortc", "chromium", "ffmpeg", "firefox", "gstreamer", "obs", "safari"}
    for browser in ("chromium", "firefox"):
        names = [path.stem for path in OFFERS if path.stem.startswith(browser)]
        assert all(any(name.endswith(page) for name in names) for page in BOTH_WAYS)


def test_form(exchange: Exchange) -> None:
    assert exchange.text.startswith("v=0\r\n")
    assert exchange.text.endswith("\r\n")
    assert "\n" not in exchange.text.replace("\r\n", "")
    assert len(exchange.text.encode()) <= max_answer_bytes(len(exchange.accepted))


def test_m_lines_mirror_the_offer(exchange: Exchange) -> None:
    offered, answered = exchange.offer.media, exchange.answer.media
    assert [(m.kind, m.mid, m.protocol) for m in answered] == [(m.kind, m.mid, m.protocol) for m in offered]
    assert [m.port == 0 for m in answered] == [m.rejected for m in exchange.negotiated.media]
    assert [m.kind for _, m in exchange.accepted] == [m.kind for m in offered if m.kind in ("audio", "video")]


def test_directions(exchange: Exchange) -> None:
    both = Direction.RECVONLY if exchange.publishes else Direction.SENDONLY
    for offered, answered in exchange.accepted:
        mirrored = offered.direction.mirrored
        assert answered.direction is (both if mirrored is Direction.SENDRECV else mirrored)
    sent = [answered.direction is Direction.SENDONLY for answered in exchange.answer.media]
    assert [media.outbound for media in exchange.negotiated.media] == sent


def test_one_transport(exchange: Exchange) -> None:
    (group,) = exchange.answer.groups
    assert set(group.mids) == {answered.mid for _, answered in exchange.accepted}
    assert exchange.answer.ice_lite
    for offered, answered in exchange.accepted:
        setup = exchange.offer.transport_of(offered).setup
        assert answered.transport.setup == ("active" if setup == "passive" else "passive")
        assert answered.transport.ice_ufrag == LOCAL.ice.ufrag
        assert answered.transport.fingerprints == (LOCAL.fingerprint,)
        assert answered.rtcp_mux
        assert answered.rtcp_mux_only == offered.rtcp_mux_only
        assert answered.rtcp_reduced_size == offered.rtcp_reduced_size
    tagged = next(answered for _, answered in exchange.accepted if answered.mid == group.mids[0])
    assert tagged.candidates == LOCAL.candidates
    assert tagged.end_of_candidates


def test_only_what_was_offered_is_answered(exchange: Exchange) -> None:
    for offered, answered in exchange.accepted:
        assert set(answered.formats) <= set(offered.formats)
        for number, rtpmap in answered.rtpmaps.items():
            original = offered.rtpmaps[number]
            assert rtpmap.name.lower() == original.name.lower()
            assert (rtpmap.clock_rate, rtpmap.channels) == (original.clock_rate, original.channels)
            assert set(answered.feedback.get(number, ())) <= set(offered.feedback.get(number, ()))
        ids = {extmap.uri: extmap.id for extmap in offered.extmaps}
        assert all(ids[extmap.uri] == extmap.id for extmap in answered.extmaps)


def test_retransmissions_repair_an_answered_codec(exchange: Exchange) -> None:
    for _, answered in exchange.accepted:
        for number, rtpmap in answered.rtpmaps.items():
            if rtpmap.name == "rtx":
                assert answered.rtpmaps[int(answered.parameters[number]["apt"])].name != "rtx"


def test_all_offered_layers_are_kept(exchange: Exchange) -> None:
    if not exchange.publishes:
        return
    for offered, answered in exchange.accepted:
        sent = offered.simulcast.send if offered.simulcast else ()
        assert (answered.simulcast.recv if answered.simulcast else ()) == sent
        assert [rid.id for rid in answered.rids] == [rid for (rid,) in sent]


def test_receivers_are_told_the_streams(exchange: Exchange) -> None:
    seen: list[int] = []
    for _, answered in exchange.accepted:
        if answered.direction is Direction.RECVONLY:
            assert answered.msid is None
            assert not answered.ssrcs
            continue
        assert answered.msid is not None
        grouped = {ssrc for group in answered.ssrc_groups for ssrc in group.ssrcs}
        assert grouped <= set(answered.ssrcs)
        assert all(source.keys() == {"cname", "msid"} for source in answered.ssrcs.values())
        has_rtx = any(rtpmap.name == "rtx" for rtpmap in answered.rtpmaps.values())
        assert len(answered.ssrcs) == (2 if has_rtx else 1)
        seen += answered.ssrcs
    assert len(set(seen)) == len(seen)


def test_only_the_picture_and_its_sound_are_one_stream(exchange: Exchange) -> None:
    streams: dict[str, list[str]] = {}
    for _, answered in exchange.accepted:
        if answered.msid is not None:
            streams.setdefault(answered.msid.split(" ")[0], []).append(answered.kind)
    first, *others = streams.values() or [[]]
    assert sorted(first) in ([], ["audio"], ["video"], ["audio", "video"])
    assert all(len(kinds) == 1 for kinds in others)
    assert len(first) == (0 if not streams else 1 if exchange.publishes else 2)


def test_a_microphone_may_talk(exchange: Exchange) -> None:
    """Its level must reach us, since nobody decodes; its mid, since its ssrc may change."""
    if exchange.publishes:
        return
    talking = [media for media in exchange.negotiated.media if not (media.outbound or media.rejected)]
    asked = [media for media in exchange.offer.media if media.direction is Direction.SENDONLY]
    assert [media.mid for media in talking] == [media.mid for media in asked]
    for media, offered in zip(talking, asked, strict=True):
        assert [codec.name for codec in media.codecs] == ["opus"]
        assert media.extensions.keys() == {extensions.MID, extensions.AUDIO_LEVEL, extensions.TRANSPORT_CC}
        assert [stream.ssrc for stream in media.ssrcs] == list(offered.ssrcs)


@pytest.mark.parametrize("path", OFFERS, ids=lambda path: path.stem)
def test_what_pages_may_ask_for_changes_nothing_for_others(path: Path) -> None:
    offer = parse(path.read_bytes().decode())
    ours = path.stem.endswith(BOTH_WAYS)
    if not is_publisher(path):
        plain = negotiate_play(offer, PlayPolicy())
        assert (plain == negotiate_play(offer, PLAY)) is not ours
        assert sorted(m.kind for m in plain.media if m.outbound) == ["audio", "video"]
    elif ours:
        with pytest.raises(Unacceptable, match="more than one audio track"):
            negotiate_publish(offer, PublishPolicy())
    else:
        assert negotiate_publish(offer, PublishPolicy()) == negotiate_publish(offer, PUBLISH)


def test_aiortc_reads_the_answer(exchange: Exchange) -> None:
    read = aiortc.sdp.SessionDescription.parse(exchange.text)
    assert [(m.kind, m.rtp.muxId) for m in read.media] == [
        (m.kind, m.mid or "") for m in exchange.answer.media
    ]
    for ours, theirs in zip(exchange.answer.media, read.media, strict=True):
        assert theirs.direction == ours.direction
        if ours.port == 0:
            continue
        assert theirs.ice.iceLite
        assert theirs.ice.usernameFragment == LOCAL.ice.ufrag
        assert len(theirs.rtp.codecs) == len(ours.rtpmaps)
        assert theirs.dtls is not None
    (group,) = read.group
    tagged = next(m for m in read.media if m.rtp.muxId == group.items[0])
    assert [c.ip for c in tagged.ice_candidates] == ["192.0.2.1", "2001:db8::1"]
    assert tagged.ice_candidates_complete


def read_offer(name: str) -> SessionDescription:
    return parse(next(path for path in OFFERS if path.stem == name).read_bytes().decode())


@pytest.mark.parametrize(
    ("publisher", "codec", "player"),
    [
        ("obs-32.1-publish-simulcast", "H264", "chromium-156-play"),
        ("obs-32.1-publish-simulcast", "H264", "safari-18-play-sendrecv"),
        ("obs-32.1-publish-simulcast", "H264", "gstreamer-1.22-play"),
        ("obs-32.1-publish-simulcast", "H264", "aiortc-1.16-play"),
        ("ffmpeg-9.0.2-publish", "H264", "chromium-156-play"),
        ("gstreamer-1.22-publish-h264", "H264", "chromium-156-play"),
        ("firefox-153-publish-simulcast", "VP8", "chromium-156-play"),
        ("firefox-153-publish-simulcast", "VP8", "firefox-153-play"),
        ("firefox-153-publish-simulcast", "VP8", "safari-18-play-sendrecv"),
        ("chromium-156-publish-vp8", "VP8", "gstreamer-1.22-play-vp8"),
    ],
)
def test_players_are_answered_with_what_the_publisher_sends(publisher: str, codec: str, player: str) -> None:
    published = negotiate_publish(read_offer(publisher), PublishPolicy())
    preferred = {kind: m.codecs[0] for kind in MediaKind if (m := published.first(kind)) is not None}
    assert preferred[MediaKind.VIDEO].name == codec
    negotiated = negotiate_play(read_offer(player), PlayPolicy(preferred=preferred))
    picture, sound = negotiated.first(MediaKind.VIDEO), negotiated.first(MediaKind.AUDIO)
    assert picture is not None
    assert picture.codecs[0].name == codec
    assert sound is not None
    assert sound.codecs[0].name == "opus"
