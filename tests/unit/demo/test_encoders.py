"""What the encoders give is what a live stream needs, judged by other people's decoders."""

from __future__ import annotations

import av

from gateway.client.packetize import split_annex_b
from gateway.demo.encoders import Layer, LayerEncoder, SoundEncoder

LAYER = Layer("m", 640, 360, 500_000)
START = 1_790_000_000.0


def kinds(frame: bytes) -> list[int]:
    return [unit[0] & 0x1F for unit in split_annex_b(frame)]


def test_keyframes_come_every_two_seconds_and_on_demand_with_parameter_sets() -> None:
    encoder = LayerEncoder(LAYER, 25)
    frames = [encoder.encode(START + number / 25, keyframe=number == 30) for number in range(90)]
    keyframes = [number for number, frame in enumerate(frames) if 5 in kinds(frame)]
    assert keyframes == [0, 30, 80]
    for number in keyframes:
        assert {7, 8, 5} <= set(kinds(frames[number]))
    sps = next(unit for unit in split_annex_b(frames[0]) if unit[0] & 0x1F == 7)
    assert sps[1] == 66  # baseline
    assert sps[2] & 0x40  # constrained


def test_every_frame_decodes_at_once_to_the_picture_that_was_drawn() -> None:
    encoder = LayerEncoder(LAYER, 25)
    decoder = av.CodecContext.create("h264", "r")
    decoder.flags |= 1 << 19  # low delay: no B-frames to wait for
    for number in range(5):
        captured = START + number / 25
        frames = decoder.decode(av.Packet(encoder.encode(captured, keyframe=False)))
        assert len(frames) == 1
        assert (frames[0].width, frames[0].height) == (640, 360)


def test_the_sound_decodes_to_what_it_was() -> None:
    encoder = SoundEncoder()
    packets = [packet for block in range(50) for packet in encoder.encode(block)]
    assert len(packets) == 50
    decoder = av.CodecContext.create("libopus", "r")
    decoder.sample_rate = 48_000
    decoder.layout = "stereo"
    samples = sum(frame.samples for packet in packets for frame in decoder.decode(av.Packet(packet)))
    assert samples >= 49 * 960
