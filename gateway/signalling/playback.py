"""How well each viewer's session plays: what its player reports, and how often its layer changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from gateway.errors import Unacceptable
from gateway.sfu.state import LayerState, ViewerState
from gateway.signalling.ports import MediaPlane, SessionKind
from gateway.signalling.sessions import Session, SessionRegistry

Observe = Callable[[float], None]
"""Takes one measured time, in seconds, for a distribution over all sessions."""

UP, DOWN = "up", "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Playback:
    """What a player says of itself; None where it has not said. Counts and sums are since it began."""

    glass_to_glass: float | None = None
    """Seconds from the camera's capture of a picture to its display."""
    first_frame: float | None = None
    """Seconds from the wish to watch to the first picture."""
    freezes: int | None = None
    frozen: float | None = None
    """Seconds that the picture stood still."""
    stalled: bool | None = None
    """Whether nothing moves now."""


_NOTHING_SAID = Playback()


class PlaybackBook:
    """The newest playback of each live session, forgotten with it, and the layer switches of all."""

    def __init__(
        self,
        *,
        media: MediaPlane,
        sessions: SessionRegistry,
        observe_glass_to_glass: Observe,
        observe_first_frame: Observe,
    ) -> None:
        self._sessions = sessions
        self._observe_glass_to_glass = observe_glass_to_glass
        self._observe_first_frame = observe_first_frame
        self._playbacks: dict[str, Playback] = {}
        self._layers: dict[str, LayerState | None] = {}
        self.switches: Counter[str] = Counter({UP: 0, DOWN: 0})
        """Layers changed while playing, by direction, since the start."""
        media.on_layer_change(self._layer_changed)
        sessions.on_closed(self._forget)

    def __len__(self) -> int:
        return len(self._playbacks.keys() | self._layers.keys())

    def note(self, session: Session, report: Playback) -> None:
        """Keep what a live session's player says; what it does not mention stays as it was.

        Raises:
            Unacceptable: the session plays nothing.
        """
        if session.kind is not SessionKind.WHEP:
            raise Unacceptable("a publisher's session plays nothing")
        known = self.of(session)
        if report.glass_to_glass is not None:
            self._observe_glass_to_glass(report.glass_to_glass)
        if report.first_frame is not None and known.first_frame is None:  # there is only one
            self._observe_first_frame(report.first_frame)
        said = {name: value for name, value in asdict(report).items() if value is not None}
        self._playbacks[session.session_id] = replace(known, **said)

    def of(self, session: Session) -> Playback:
        """What the session's player has said so far."""
        return self._playbacks.get(session.session_id, _NOTHING_SAID)

    def stalled(self) -> int:
        """How many players say that nothing moves."""
        return sum(playback.stalled is True for playback in self._playbacks.values())

    def _layer_changed(self, session_id: str) -> None:
        """From one layer to another is a switch; from nothing, to nothing and to oneself is none."""
        session = self._sessions.find(session_id)
        state = session.media.state() if session is not None else None
        if not isinstance(state, ViewerState):
            return
        before, now = self._layers.get(session_id), state.layer
        self._layers[session_id] = now
        if before is not None and now is not None and before.rid != now.rid:
            rises = (now.height, now.bitrate) > (before.height, before.bitrate)
            self.switches[UP if rises else DOWN] += 1

    def _forget(self, session: Session, _: str) -> None:
        self._playbacks.pop(session.session_id, None)
        self._layers.pop(session.session_id, None)
