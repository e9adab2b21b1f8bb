"""Status chunks and deltas of transport-wide feedback."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.protocol.rtcp import RtcpError, TransportFeedback, parse_rtcp


def feedback(arrivals: list[int | None]) -> TransportFeedback:
    return TransportFeedback(1, 2, 65530, 0xABCDEF, 200, tuple(arrivals))


def chunks(message: TransportFeedback, count: int) -> list[int]:
    body = message.encode()[20:]
    return [int.from_bytes(body[at : at + 2], "big") for at in range(0, 2 * count, 2)]


@st.composite
def arrival_lists(draw: st.DrawFn) -> list[int | None]:
    """Runs of losses, of steady arrivals and of jumps, so that each kind of chunk comes up."""
    arrivals: list[int | None] = []
    ticks = draw(st.integers(-(2**15), 2**15 - 1))
    for _ in range(draw(st.integers(1, 12))):
        length = draw(st.integers(1, 40))
        kind = draw(st.sampled_from(["lost", "steady", "jump", "mixed"]))
        for _ in range(length):
            if kind == "lost" or (kind == "mixed" and draw(st.booleans())):
                arrivals.append(None)
                continue
            ticks += draw(st.integers(0, 255)) if kind != "jump" else draw(st.integers(-(2**15), 2**15 - 1))
            arrivals.append(ticks)
    # The first delta is relative to the reference and has to fit too.
    first = next((a for a in arrivals if a is not None), 0)
    if not -(2**15) <= first < 2**15:
        arrivals = [None if a is None else a - first for a in arrivals]
    return arrivals


@given(arrival_lists())
def test_round_trip(arrivals: list[int | None]) -> None:
    message = feedback(arrivals)
    [parsed] = parse_rtcp(message.encode())
    assert isinstance(parsed, TransportFeedback)
    assert (parsed.sender_ssrc, parsed.media_ssrc, parsed.base_sequence) == (1, 2, 65530)
    assert (parsed.reference_time, parsed.feedback_count) == (0xABCDEF, 200)
    assert parsed.arrivals == tuple(arrivals)


def test_vector_by_hand() -> None:
    """Two small deltas, a loss, a large one: 14 one-bit symbols will not do, so 7 two-bit ones."""
    data = bytes.fromhex("afcd0006 00000001 00000002 fffa0004 abcdefc8 d480 00 04 0190 0002")
    # 0xd480: 11 01 01 00 10 00 00 00; deltas 0, 4 and 400 ticks; two octets of padding.
    message = feedback([0, 4, None, 404])
    assert message.encode() == data
    assert parse_rtcp(data) == [message]


def test_steady_arrivals_are_one_run() -> None:
    assert chunks(feedback([0] * 100), 1) == [1 << 13 | 100]


def test_losses_are_one_run_up_to_8191() -> None:
    message = feedback([0, *[None] * 8191, 0])
    assert chunks(message, 3) == [0x8000 | 1 << 13, 0 << 13 | 8191 - 13, 1 << 13 | 1]
    assert parse_rtcp(message.encode()) == [message]


def test_run_longer_than_a_chunk_is_split() -> None:
    message = feedback([0, *[None] * 20_000, 0])
    assert len(message.encode()) <= 32
    assert parse_rtcp(message.encode()) == [message]


def test_scattered_losses_take_one_bit_a_packet() -> None:
    arrivals: list[int | None] = [0, None] * 7
    assert chunks(feedback(arrivals), 1) == [0x8000 | 0b10101010101010]


def test_large_deltas_take_two_bits_a_packet() -> None:
    arrivals: list[int | None] = [0, 400, 0, 400, 400, 400, 400]
    assert chunks(feedback(arrivals), 1) == [0xC000 | 0b01_10_10_10_01_01_01]


@pytest.mark.parametrize("delta", [-(2**15), 2**15 - 1])
def test_extreme_deltas_fit(delta: int) -> None:
    message = feedback([0, delta])
    assert parse_rtcp(message.encode()) == [message]


@pytest.mark.parametrize("delta", [-(2**15) - 1, 2**15])
def test_deltas_beyond_are_refused(delta: int) -> None:
    with pytest.raises(RtcpError):
        feedback([0, delta]).encode()


@pytest.mark.parametrize("count", [0, 32769])
def test_impossible_counts_are_refused(count: int) -> None:
    with pytest.raises(RtcpError):
        feedback([None] * count).encode()


@pytest.mark.parametrize(
    "rest",
    [
        "00010000 00000000",  # no packets
        "00018001 00000000 3fff3fff",  # more than half a circle
        "00010008 00000000 d5550000",  # second chunk missing its deltas
        "00010020 00000000 20010000",  # chunks end before the count is reached
        "00010001 00000000 f0000000",  # reserved symbol
        "00010001 00000000 6001",  # reserved run
        "00010002 00000000 4002 0001",  # second large delta missing
    ],
)
def test_nonsense_raises(rest: str) -> None:
    with pytest.raises(RtcpError):
        TransportFeedback.parse(bytes.fromhex("00000001 00000002" + rest))


@given(st.binary(max_size=60))
@example(bytes(16))
def test_garbage_raises_rtcp_error_only(data: bytes) -> None:
    with contextlib.suppress(RtcpError):
        TransportFeedback.parse(data)


@given(st.integers(1, 300), st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=10), st.binary(max_size=60))
def test_garbage_chunks(count: int, raw: list[int], deltas: bytes) -> None:
    body = bytes(8) + b"\x00\x01" + count.to_bytes(2, "big") + bytes(4)
    body += b"".join(chunk.to_bytes(2, "big") for chunk in raw) + deltas
    with contextlib.suppress(RtcpError):
        assert len(TransportFeedback.parse(body).arrivals) == count
