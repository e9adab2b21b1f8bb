"""What pages may ask of the floor: customers for themselves, the technician for everybody."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.access.grants import Scope
from gateway.api import event_schemas as schemas
from gateway.api.listener import Listener
from gateway.api.requests import Answer, Handler
from gateway.api.talk_feed import TalkFeed
from gateway.clock import Clock
from gateway.sfu.talk.floor import Floor, TalkMode

_Change = Callable[[Floor, float], None]


class TalkRequests:
    """The handlers, by event. What is heard changes at once, not at the next packet."""

    def __init__(self, feed: TalkFeed, clock: Clock) -> None:
        self._feed = feed
        self._clock = clock
        self.handlers: Mapping[str, Handler] = {
            "talk:request": self._request,
            "talk:start": self._start,
            "talk:stop": self._stop,
            "talk:withdraw": self._withdraw,
            "talk:grant": self._grant,
            "talk:deny": self._deny,
            "talk:mute": self._mute,
            "talk:policy": self._policy,
        }

    async def _request(self, listener: Listener, _: schemas.Nothing) -> Answer:
        """Ask for the floor."""
        return self._talk(listener, lambda floor, now: floor.ask(listener.viewer_id, now))

    async def _start(self, listener: Listener, _: schemas.Nothing) -> Answer:
        """Hold the page's button."""
        return self._talk(listener, lambda floor, now: floor.press(listener.viewer_id, now, listener.sid))

    async def _stop(self, listener: Listener, _: schemas.Nothing) -> Answer:
        """Let the page's button go."""
        return self._talk(listener, lambda floor, _: floor.release(listener.viewer_id, listener.sid))

    async def _withdraw(self, listener: Listener, _: schemas.Nothing) -> Answer:
        """Give back the turn, or the place in the queue."""
        return self._talk(listener, lambda floor, _: floor.withdraw(listener.viewer_id))

    async def _grant(self, listener: Listener, data: schemas.ViewerNamed) -> Answer:
        """Give somebody the floor."""
        return self._rule(listener, lambda floor, now: floor.grant(data.viewer_id, now), data.viewer_id)

    async def _deny(self, listener: Listener, data: schemas.ViewerNamed) -> Answer:
        """Refuse somebody, or take the floor back."""
        return self._rule(listener, lambda floor, _: floor.deny(data.viewer_id))

    async def _mute(self, listener: Listener, data: schemas.TalkMute) -> Answer:
        """Silence somebody or everybody."""

        def change(floor: Floor, _: float) -> None:
            if data.viewer_id is None:
                floor.mute_all(data.muted)
            else:
                floor.mute(data.viewer_id, data.muted)

        return self._rule(listener, change, data.viewer_id)

    async def _policy(self, listener: Listener, data: schemas.TalkPolicy) -> Answer:
        """Say how customers get to speak."""
        return self._rule(listener, lambda floor, now: floor.set_mode(TalkMode(data.mode), now))

    def _talk(self, listener: Listener, change: _Change) -> Answer:
        listener.grant.require(Scope.TALK, listener.order_id)
        return self._change(listener, change)

    def _rule(self, listener: Listener, change: _Change, viewer_id: str | None = None) -> Answer:
        listener.grant.require(Scope.PUBLISH, listener.order_id)
        if viewer_id is not None:
            self._feed.meet(listener.order_id, viewer_id)
        return self._change(listener, change)

    def _change(self, listener: Listener, change: _Change) -> Answer:
        """A refusal, too, may have changed something: who has to wait is in the queue now."""
        channel, now = self._feed.channel(listener.order_id), self._clock.monotonic()
        try:
            change(channel.floor, now)
        finally:
            channel.route(now)
            self._feed.changed(listener.order_id)
        return None
