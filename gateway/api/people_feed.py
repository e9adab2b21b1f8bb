"""What the workshop is told of who watches an order: what each of them sees, and how well.

Knows no Socket.IO: `due` gives the messages whose time has come, `events` sends them. One message an order
and interval says it of all, however many come and go.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.api import event_schemas as schemas
from gateway.api.live_feed import Message, staff_room
from gateway.api.presence import Presence
from gateway.api.services import Services
from gateway.api.talk_feed import TalkFeed
from gateway.sfu.state import ViewerState
from gateway.sfu.talk.channel import TalkState
from gateway.signalling.messages import TALK_CAMERA
from gateway.signalling.ports import SessionKind
from gateway.signalling.sessions import Session

PEOPLE_INTERVAL = 2.0
"""Seconds between two `people` of one order."""
MOST_NAMED = 200
"""People described in one message."""
_BITRATE_STEP = 10_000
"""Bits per second by which a rate has to differ to be news."""


@dataclass(slots=True)
class _Viewer:
    """Somebody who watches or waits. `since` is in Unix seconds."""

    viewer_id: str
    name: str
    since: float
    session: Session | None = None
    talk: schemas.TalkStanding = "none"


@dataclass(slots=True)
class _Told:
    """What an order's workshop was told last. `again_at` is in monotonic seconds."""

    again_at: float
    people: schemas.People | None = None


class PeopleFeed:
    """The messages of all orders of which the workshop has a page."""

    def __init__(self, services: Services, presence: Presence, talk: TalkFeed) -> None:
        self._services = services
        self._presence = presence
        self._talk = talk
        self._told: dict[str, _Told] = {}

    def snapshot(self, order_id: str, room: str) -> list[Message]:
        """The whole state for one of the workshop who just came."""
        return [Message("people", self._people(order_id).wire(), room)]

    def due(self, now: float) -> list[Message]:
        """What is to be sent now; of one order at a time, since it takes a while where many watch."""
        watched = set(self._presence.watched_by_staff())
        for order_id in self._told.keys() - watched:
            del self._told[order_id]
        for order_id in watched:
            told = self._told.setdefault(order_id, _Told(now))
            if now >= told.again_at:
                told.again_at = now + PEOPLE_INTERVAL
                people = self._people(order_id)
                if people != told.people:
                    told.people = people
                    return [Message("people", people.wire(), staff_room(order_id))]
        return []

    def next_due(self) -> float | None:
        """The monotonic instant at which `due` looks again; None while nobody is to be told."""
        return min((told.again_at for told in self._told.values()), default=None)

    def _people(self, order_id: str) -> schemas.People:
        viewers = self._viewers(order_id)
        state = self._talk.channel(order_id).state(self._services.clock.monotonic())
        for viewer in viewers:
            viewer.talk = _talk_of(viewer.viewer_id, state)
        viewers.sort(key=lambda x: (x.talk == "none", x.since, x.viewer_id))
        named = tuple(map(self._describe, viewers[:MOST_NAMED]))
        return schemas.People(viewers=named, total=len(viewers))

    def _viewers(self, order_id: str) -> list[_Viewer]:
        """Customers who are here, and whoever plays a camera."""
        viewers = {
            page.viewer_id: _Viewer(page.viewer_id, page.full_name, page.since)
            for page in self._presence.people(order_id)
            if not page.staff
        }
        for session in self._services.sessions.index.of_order(order_id):
            plays = session.kind is SessionKind.WHEP and session.camera != TALK_CAMERA
            if session.staff and not plays:
                continue
            name = session.subject[: schemas.MAX_NAME]
            viewer = viewers.setdefault(
                session.viewer_id, _Viewer(session.viewer_id, name, session.opened_at)
            )
            viewer.since = min(viewer.since, session.opened_at)
            if plays:
                viewer.session = session
        return list(viewers.values())

    def _describe(self, viewer: _Viewer) -> schemas.Person:
        state = viewer.session.media.state() if viewer.session is not None else None
        seen = state if isinstance(state, ViewerState) else None
        playback = self._services.playback.of(viewer.session) if viewer.session is not None else None
        return schemas.Person(
            viewer_id=viewer.viewer_id,
            name=viewer.name,
            since=viewer.since,
            camera=seen.camera if seen is not None else None,
            layer=_layer(seen),
            rtt=None if seen is None or seen.rtt is None else round(seen.rtt, 2),
            loss=None if seen is None else round(seen.loss, 2),
            glass_to_glass=playback.glass_to_glass if playback is not None else None,
            freezes=playback.freezes if playback is not None else None,
            talk=viewer.talk,
        )


def _layer(state: ViewerState | None) -> schemas.ViewedLayer | None:
    layer = state.layer if state is not None else None
    if layer is None:
        return None
    return schemas.ViewedLayer(
        rid=layer.rid,
        width=layer.width,
        height=layer.height,
        fps=float(round(layer.fps)),
        bitrate=round(layer.bitrate / _BITRATE_STEP) * _BITRATE_STEP,
    )


def _talk_of(viewer_id: str, state: TalkState) -> schemas.TalkStanding:
    floor = state.floor
    standings: tuple[tuple[schemas.TalkStanding, tuple[str, ...]], ...] = (
        ("muted", floor.muted),
        ("speaking", state.speakers),
        ("granted", floor.granted),
        ("waiting", floor.queue),
    )
    return next((standing for standing, people in standings if viewer_id in people), "none")
