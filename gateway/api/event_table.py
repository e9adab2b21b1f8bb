"""The live events by name, and what goes with each of them."""

from __future__ import annotations

from gateway.api import event_schemas as schemas

CLIENT_EVENTS: dict[str, tuple[type[schemas.Schema], type[schemas.Schema]]] = {
    "watch": (schemas.Watch, schemas.Nothing),
    "session:offer": (schemas.SessionOffer, schemas.SessionAnswer),
    "session:candidate": (schemas.SessionCandidate, schemas.Nothing),
    "session:close": (schemas.SessionNamed, schemas.Nothing),
    "layer:select": (schemas.LayerSelect, schemas.Nothing),
    "camera:select": (schemas.CameraSelect, schemas.Nothing),
    "playback:report": (schemas.PlaybackReport, schemas.Nothing),
    "clock:read": (schemas.Nothing, schemas.ClockReading),
    "talk:request": (schemas.Nothing, schemas.Nothing),
    "talk:start": (schemas.Nothing, schemas.Nothing),
    "talk:stop": (schemas.Nothing, schemas.Nothing),
    "talk:withdraw": (schemas.Nothing, schemas.Nothing),
    "talk:grant": (schemas.ViewerNamed, schemas.Nothing),
    "talk:deny": (schemas.ViewerNamed, schemas.Nothing),
    "talk:mute": (schemas.TalkMute, schemas.Nothing),
    "talk:policy": (schemas.TalkPolicy, schemas.Nothing),
    "viewer:kick": (schemas.ViewerNamed, schemas.Nothing),
    "chat:send": (schemas.ChatSend, schemas.ChatMessage),
    "marker:add": (schemas.MarkerAdd, schemas.Marker),
}
"""What a page sends, and what the acknowledgement says beside `ok`."""

SERVER_EVENTS: dict[str, type[schemas.Schema]] = {
    "stream:state": schemas.StreamState,
    "viewers": schemas.Viewers,
    "layer:state": schemas.LayerState,
    "uplink:state": schemas.UplinkState,
    "session:closed": schemas.SessionClosed,
    "server:draining": schemas.Draining,
    "talk:state": schemas.TalkState,
    "people": schemas.People,
    "chat:history": schemas.ChatHistory,
    "chat:message": schemas.ChatMessage,
    "markers": schemas.Markers,
    "marker": schemas.Marker,
}
