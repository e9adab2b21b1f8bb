"""Which camera a viewer sees on which line: by choice, by default, and when one goes away."""

from __future__ import annotations

from gateway.protocol.description import MediaKind
from gateway.sfu.room import Camera, Room
from gateway.sfu.state import LineState, ViewerState
from gateway.sfu.subscriber import Subscriber

FALL_BACK = 3.0
"""Seconds for which a camera may be gone before its viewers are shown another one: an encoder's restart."""
THUMBNAIL_HEIGHT = 240
"""Pixels over which no layer is sent on the lines beside the main one, unless the viewer asks for more."""


class Viewing:
    """One viewer's session in a room.

    The main lines play `camera`: the one that the viewer asked for (`wanted`) or, while that is gone, one
    that is live. Further video lines show the live cameras that are not large already, as thumbnails: in the
    order of their names, but one that has a line keeps it. A line may have a camera pinned to it, which is
    large as well. With `only`, there is no camera but this one for the viewer.
    """

    def __init__(
        self, room: Room, camera: str, subscriber: Subscriber, now: float, *, only: bool = False
    ) -> None:
        self.wanted = camera
        self.camera = room.camera(camera)
        self.subscriber = subscriber
        self._room = room
        self._only = camera if only else None
        self._pinned: dict[str, str] = {}
        main = subscriber.main_line(MediaKind.VIDEO)
        videos = [media.mid for media in subscriber.lines if media.kind is MediaKind.VIDEO]
        self._strip = [mid for mid in videos if mid != main]
        self.lines: dict[str, str | None] = dict.fromkeys(self._strip)
        """What each further video line shows, by mid."""
        for mid in self._strip:
            subscriber.prefer(None, THUMBNAIL_HEIGHT, now, mid)
        self.camera.subscribe(subscriber, now)
        self._arrange(now)

    def select(self, camera: str | None, now: float, mid: str | None = None) -> None:
        """See this camera on the main lines, or pinned to the line `mid` in the size that it has there.

        None gives a pinned line back to the thumbnails. The caller has made sure that there are such a camera
        and such a line.
        """
        if mid is not None and mid in self.lines:
            self._pin(camera, now, mid)
        elif camera is not None:
            self.wanted = camera
            self._go_to(self._room.camera(camera), now)
        self._arrange(now)

    def _pin(self, camera: str | None, now: float, mid: str) -> None:
        """A camera is pinned to one line at most."""
        for former in [x for x, name in self._pinned.items() if x == mid or name == camera]:
            del self._pinned[former]
            self.subscriber.prefer(None, THUMBNAIL_HEIGHT, now, former)
        if camera is not None:
            self._pinned[mid] = camera
            self.subscriber.prefer(None, None, now, mid)

    def tick(self, now: float) -> bool:
        """Follow the cameras that come and go; True when the viewer is shown another one now."""
        before = self.camera
        wanted = self._room.cameras.get(self.wanted)
        if self.camera.name != self.wanted and wanted is not None and wanted.live:
            self._go_to(wanted, now)
        elif self.camera.gone_at is not None and now - self.camera.gone_at > FALL_BACK:
            live = self._live_cameras()
            if live:
                pinned = self._pinned.values()
                self._go_to(next((x for x in live if x.name not in pinned), live[0]), now)
        return self._arrange(now) or self.camera is not before

    def _live_cameras(self) -> list[Camera]:
        cameras = self._room.cameras.values()
        seen = [x for x in cameras if x.live and (self._only is None or x.name == self._only)]
        return sorted(seen, key=lambda x: x.name)

    def _go_to(self, camera: Camera, now: float) -> None:
        if camera is self.camera:
            return
        self.camera.subscribers.remove(self.subscriber)
        self.camera = camera
        self.camera.subscribe(self.subscriber, now)

    def _arrange(self, now: float) -> bool:
        """Give each further line its camera; True when one has another than before."""
        if not self._strip:
            return False
        live = {camera.name: camera for camera in self._live_cameras()}
        before = dict(self.lines)
        small = live.keys() - {self.camera.name, *self._pinned.values()}
        lined = {mid: name for mid, name in before.items() if name in small and mid not in self._pinned}
        lineless = iter([name for name in live if name in small and name not in lined.values()])
        for mid in self._strip:
            name = self._pinned.get(mid) or lined.get(mid) or next(lineless, None)
            camera = live.get(name or "")
            self.lines[mid] = camera.name if camera else None
            publisher = camera.publisher if camera else None
            track = publisher.tracks.get(MediaKind.VIDEO) if publisher else None
            self.subscriber.show(mid, track, now)
        return self.lines != before

    def state(self, now: float) -> ViewerState:
        """A snapshot for the viewer's page and for operators."""
        lines = tuple(LineState(mid, name, self._pinned.get(mid)) for mid, name in self.lines.items())
        return self.subscriber.state(self.camera.name, now, wanted=self.wanted, lines=lines)

    def leave(self) -> None:
        """The session ends."""
        self.camera.unsubscribe(self.subscriber)
