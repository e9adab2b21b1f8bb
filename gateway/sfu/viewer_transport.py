"""One viewer's way through the network, shared by all its down tracks: numbers, estimate, budget."""

from __future__ import annotations

from gateway.sfu.estimation import SendSideEstimator

START = 5_000_000
"""Bits per second assumed of a link nothing is known of: the best layer at once, a cut within half a second
where that was too much."""
FIRST_SEQUENCE = 1 << 16


class ViewerTransport:
    """Transport-wide sequence numbers and what they tell (draft-holmer-rmcat-transport-wide-cc-extensions).

    `sequence` is the next number, extended; the fan-out writes its low 16 bits and moves it on. `sent` is to
    be told of each burst: first number, packets, octets, monotonic seconds; `carry` of octets without
    numbers. `calm` tells that its answers are not needed often: see `Subscriber`.
    """

    __slots__ = ("calm", "carry", "estimator", "sent", "sequence")

    def __init__(self) -> None:
        self.estimator = SendSideEstimator(start=START)
        self.sent = self.estimator.sent
        self.carry = self.estimator.carry
        self.calm = False
        self.sequence = FIRST_SEQUENCE
