"""The bandwidth estimate of one viewer, from all that its client tells."""

from __future__ import annotations

from collections import Counter
from math import inf
from typing import Final

from gateway.protocol.rtcp import TransportFeedback
from gateway.sfu.estimation.delivery import DeliveryRate
from gateway.sfu.estimation.history import Reception, SendHistory
from gateway.sfu.estimation.loss import HIGH, LOW, OVERWHELMED, LossBound
from gateway.sfu.estimation.overuse import OveruseDetector, Usage
from gateway.sfu.estimation.probe import ProbeController, ProbePlan
from gateway.sfu.estimation.rate_control import (
    EXTRA,
    GROWTH,
    HEADROOM,
    LARGE_QUEUE,
    STRETCHED,
    RateControl,
)
from gateway.sfu.estimation.trendline import Trendline

START: Final = 600_000
"""Bits per second assumed before anything was measured."""
FLOOR: Final = 50_000
CEILING: Final = 20_000_000
FRESH: Final = 2.0
"""Seconds for which transport-wide feedback outweighs coarser reports."""
REMB_LIFE: Final = 5.0
"""Seconds for which a client's own estimate is believed: clients repeat it each second."""
SILENCE: Final = 1.0
"""Seconds beyond two round trips without feedback after which the estimate is halved, again and again."""
STANDING_PACE: Final = 0.5
"""Seconds between cuts for a large queue that does not grow but stand."""
SUDDEN: Final = 0.15
"""Seconds of queue that are over-use before they make a trend, if the packets were stretched that much."""
SETTLING: Final = 0.5
"""Seconds after over-use in which what arrives is not yet what was chosen to be sent since."""
DRAINING: Final = 0.95
"""A stretch below which the queue drains by itself."""
QUEUE_TO_PROBE: Final = 0.05
"""Seconds of queue up to which probing does no harm."""
UNPROVEN: Final = 4.0
"""How far over what is sent the estimate may grow where no probe can prove it."""
CALM_AFTER: Final = 3.0
"""Seconds after over-use in which a link is watched closely."""
CALM_QUEUE: Final = 0.03
"""Seconds of queue up to which a link counts as calm."""
DEFAULT_RTT: Final = 0.1
MAX_RTT: Final = 2.0
RTT_MEMORY: Final = 0.8


class SendSideEstimator:
    """What may be sent to one viewer, in bits per second with RTP headers and RTX.

    With transport-wide feedback: delay and loss of each packet group. Without: the client's own
    estimate (REMB), and where there is none either, the loss in receiver reports. `sent` is the only
    call of the hot path, one a burst; the others are one a message or timer. Nothing a viewer sends
    raises: what cannot be is dropped, with a count in `drops`.
    """

    __slots__ = (
        "_blind",
        "_ceiling",
        "_cut_for_queue",
        "_delivery",
        "_detector",
        "_feedback_at",
        "_halved_at",
        "_history",
        "_loss",
        "_overused_at",
        "_probes",
        "_rate",
        "_remb",
        "_remb_at",
        "_reported_at",
        "_round_trip",
        "_trendline",
        "carry",
        "drops",
        "estimate",
        "rtt",
        "sent",
    )

    def __init__(
        self, start: float = START, ceiling: float = CEILING, drops: Counter[str] | None = None
    ) -> None:
        self.drops: Counter[str] = Counter() if drops is None else drops
        self._history = SendHistory(self.drops)
        self.sent = self._history.sent
        """`sent(first_sequence, packets, size, now, cluster=None)`: see `SendHistory.sent`."""
        self.carry = self._history.carry
        """`carry(octets)`: see `SendHistory.carry`."""
        self._ceiling = ceiling
        self._trendline = Trendline()
        self._detector = OveruseDetector()
        self._delivery = DeliveryRate()
        self._rate = RateControl(start)
        self._loss = LossBound()
        self._probes = ProbeController()
        self._blind = float(start)  # what grows where nothing but loss is known
        self._remb = inf
        self._remb_at = self._feedback_at = self._reported_at = -inf
        self._halved_at = self._cut_for_queue = self._overused_at = -inf
        self._round_trip = DEFAULT_RTT
        self.rtt: float | None = None
        """Seconds to the viewer and back, with what the viewer's client waits before it answers."""
        self.estimate = float(start)
        """Bits per second that may be sent."""

    @property
    def acknowledged(self) -> float | None:
        """Bits per second that arrive, None while unknown."""
        return self._delivery.rate

    @property
    def queue_delay(self) -> float:
        """Seconds that packets wait in the network, over the least of the last ten seconds or more."""
        return self._trendline.wait

    @property
    def loss(self) -> float:
        """Fraction lost on the way to the viewer, 0 to 1, of what was looked at last."""
        return self._loss.fraction

    def calm(self, now: float) -> bool:
        """Whether nothing on this link has asked for attention lately: then less feedback is enough."""
        return (
            now - self._feedback_at < FRESH
            and self._delivery.rate is not None
            and self._detector.usage is Usage.NORMAL
            and now - self._overused_at > CALM_AFTER
            and self._trendline.wait < CALM_QUEUE
            and self._loss.fraction < LOW
            and self._probes.cluster is None
        )

    def on_feedback(self, feedback: TransportFeedback, now: float) -> None:
        """Take a transport-wide feedback message."""
        reception = self._history.acknowledge(feedback)
        if reception is None:
            return
        self._feedback_at = now
        if reception.newest_send is not None:
            self._note_rtt(now - reception.newest_send)
        self._delivery.add(reception)
        if self._loss.count(reception.lost, reception.packets, self.estimate, self._round_trip, now):
            self._answer_loss(self._delivery.rate if reception.groups else None, now)
        if reception.groups:
            self._trendline.add(reception.groups, max(self.estimate, self._delivery.rate or 0.0))
            self._control(now)
        if self._probes.cluster is not None:
            self._evaluate_probe(reception, now)
        self._settle(now)

    def _answer_loss(self, arriving: float | None, now: float) -> None:
        """The loss bound was lowered; `arriving` is what gets through all the same, None while not known."""
        self._probes.on_congestion(now, queued=False)
        if arriving is not None and self._loss.fraction > OVERWHELMED:
            self._rate.unproven(arriving)
        self._loss.bitrate = max(self._loss.bitrate, arriving or 0.0, FLOOR)

    def _note_rtt(self, sample: float) -> None:
        if 0 <= sample <= MAX_RTT:
            if self.rtt is None:
                self._round_trip = sample
            self.rtt = self._round_trip = RTT_MEMORY * self._round_trip + (1 - RTT_MEMORY) * sample

    def _usage(self, now: float) -> Usage:
        """The detector's word; a large queue that stands is over-use now and then, and no time to grow."""
        usage = self._detector.update(self._trendline.trend(), now)
        if usage is not Usage.NORMAL or self._trendline.queue < LARGE_QUEUE:
            return usage
        if self._delivery.stretch < DRAINING or now - self._cut_for_queue < STANDING_PACE:
            return Usage.UNDER
        self._cut_for_queue = now
        return Usage.OVER

    def _control(self, now: float) -> None:
        usage = self._usage(now)
        delivery = self._delivery
        rate = delivery.rate
        if self._trendline.newest > SUDDEN and delivery.stretch > STRETCHED:
            usage = Usage.OVER
            if rate is not None and now - self._overused_at > SETTLING:
                rate = min(rate, delivery.newest)  # the others are from before
        if usage is Usage.OVER:
            self._overused_at = now
            self._probes.on_congestion(now)
        self._rate.update(usage, rate, delivery.stretch, self._trendline.queue, self._round_trip, now)

    def _evaluate_probe(self, reception: Reception, now: float) -> None:
        self._probes.on_reception(reception)
        proven = self._probes.finish(now, self.estimate, self._round_trip)
        if proven is not None:
            self._rate.proven(min(proven, self._ceiling))
            if self._loss.fraction <= HIGH:  # they are not congestion's, then
                self._loss.bitrate = max(self._loss.bitrate, proven)

    def on_remb(self, bitrate: float, now: float) -> None:
        """Take the client's own estimate: the source where there is no other, else an upper bound."""
        if bitrate <= 0:
            self.drops["remb_nonsense"] += 1
            return
        self._remb = bitrate
        self._remb_at = now
        # A client that gets little cannot tell how much more would come: only a tight figure is a limit.
        if bitrate < HEADROOM * self._sent_rate(now):
            self._blind = min(self._blind, bitrate)
        self._settle(now)

    def on_report(self, fraction_lost: float, rtt: float | None, now: float) -> None:
        """Take a receiver report: fraction lost (0 to 1) and the round trip in seconds if it is known.

        The loss counts only where transport-wide feedback does not tell it: numbers of media also
        lack what the publisher's uplink lost.
        """
        if not 0 <= fraction_lost <= 1:
            self.drops["report_nonsense"] += 1
            return
        if rtt is not None:
            self._note_rtt(rtt)
        if now - self._feedback_at > FRESH:
            self._loss.update(fraction_lost, self.estimate, self._round_trip, now)
            if fraction_lost < LOW:
                elapsed = min(1.0, max(0.0, now - self._reported_at))
                unproven = UNPROVEN * self._sent_rate(now) + EXTRA
                self._blind = max(self._blind, min(self._blind * (1 + GROWTH * elapsed), unproven))
            self._reported_at = now
            self._settle(now)

    def _sent_rate(self, now: float) -> float:
        """Bits per second sent in the last second, where no feedback empties the history."""
        return 8.0 * self._history.sent_since(now - 1.0)

    def on_timer(self, now: float) -> None:
        """To be called a few times a second: notices that feedback has stopped."""
        if self._feedback_at == -inf:
            return
        oldest = self._history.oldest()
        patience = SILENCE + 2 * self._round_trip
        if oldest is None or now - max(oldest, self._feedback_at, self._halved_at) < patience:
            return
        self._halved_at = now
        self._rate.halve(now)
        self._settle(now)

    def probe(self, now: float, wanted: float) -> ProbePlan | None:
        """The padding to send now, if any, so that the estimate may climb to `wanted` bits per second.

        `wanted` is all that the viewer would get with its next layer. None too where no
        transport-wide feedback could tell what becomes of it.
        """
        if (
            now - self._feedback_at > FRESH
            or self._detector.usage is not Usage.NORMAL
            or self._trendline.queue > QUEUE_TO_PROBE
            or self._loss.fraction > HIGH
        ):
            return None
        sending = self._delivery.rate or 0.0
        return self._probes.plan(now, self.estimate, min(wanted, self._ceiling), sending)

    def _settle(self, now: float) -> None:
        """Put the estimate together."""
        coarse = self._feedback_at == -inf
        bitrate = self._blind if coarse else self._rate.bitrate
        if now - self._remb_at < REMB_LIFE:
            bitrate = max(self._remb, bitrate) if coarse else min(self._remb, bitrate)
        loss = self._loss
        if loss.bitrate > bitrate:
            loss.bitrate = inf
        else:
            bitrate = loss.bitrate
        self.estimate = min(self._ceiling, max(FLOOR, bitrate))
