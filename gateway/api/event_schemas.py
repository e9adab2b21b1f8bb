"""The live events' payloads: what pages may send, and what they are told. The pages' types are made of these.

Units as in docs/events.md. Members that a model does not know are ignored, so that a newer page may talk to
an older gateway; what it does know must fit exactly, nothing is converted. `python -m tools.event_types`
writes the pages' side after a change here.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from gateway.errors import Malformed

MAX_NAME = 64
MAX_TEXT = 1_000
MAX_LABEL = 120
"""Characters of names and ids, of a chat message and of a marker."""
MAX_SDP = 64 * 1024
MAX_CANDIDATE = 1_024

Name = Annotated[str, Field(max_length=MAX_NAME)]
TalkMode = Literal["open", "request", "off"]
TalkStanding = Literal["none", "waiting", "granted", "speaking", "muted"]


class Schema(BaseModel):
    """What all payloads have in common."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="ignore",
        allow_inf_nan=False,
        alias_generator=to_camel,
        validate_by_name=True,
        serialize_by_alias=True,
        from_attributes=True,
        use_attribute_docstrings=True,
    )

    def wire(self) -> dict[str, Any]:
        """As it is sent."""
        return self.model_dump(by_alias=True)


Model = TypeVar("Model", bound=Schema)


def _empty(text: str) -> bool:
    return not text


class Nothing(Schema):
    """No members."""


class Watch(Schema):
    """Asks for the whole state again."""

    camera: Name | None = None


class SessionOffer(Schema):
    """A page's own SDP offer: return audio and further cameras may have lines in it."""

    sdp: Annotated[str, Field(max_length=MAX_SDP)]
    kind: Literal["whep", "whip"]
    camera: Name = "main"


class IceCandidate(Schema):
    """As browsers give it."""

    candidate: Annotated[str, Field(max_length=MAX_CANDIDATE)]
    sdp_mid: Name | None = Field(default=None, alias="sdpMid")
    sdp_m_line_index: Annotated[int, Field(ge=0, le=64)] | None = Field(default=None, alias="sdpMLineIndex")
    username_fragment: Annotated[str, Field(max_length=256)] | None = None


class SessionCandidate(Schema):
    """A candidate of the page, null after the last. The gateway answers whoever checks, and needs none."""

    session_id: Name
    candidate: IceCandidate | Annotated[str, Field(max_length=MAX_CANDIDATE)] | None = None


class SessionNamed(Schema):
    """One of one's own sessions."""

    session_id: Name


class LayerSelect(Schema):
    """What one's own session should play."""

    session_id: Name
    rid: Name = "auto"
    """A layer's rid, or auto."""
    max_height: Annotated[int, Field(gt=0, le=10_000)] | None = None
    mid: Name | None = None
    """One of the session's further video lines; the main one when left out."""


class CameraSelect(Schema):
    """The camera that one's own session should show."""

    session_id: Name
    camera: Name | None
    """Null, with `mid`, takes the pin off."""
    mid: Name | None = None
    """Pins it to one of the session's further video lines."""


class PlaybackReport(Schema):
    """How one's own session plays; what is left out stays as it was said before."""

    session_id: Name
    glass_to_glass: Annotated[float, Field(ge=0, le=60)] | None = None
    first_frame: Annotated[float, Field(ge=0, le=300)] | None = None
    freezes: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    frozen: Annotated[float, Field(ge=0, le=1e6)] | None = None
    stalled: bool | None = None


class ViewerNamed(Schema):
    """Somebody in the order."""

    viewer_id: Name


class TalkMute(Schema):
    """Silences somebody, or lets be heard again."""

    viewer_id: Name | None = None
    """Left out: everybody, also those who are yet to come."""
    muted: bool = True


class TalkPolicy(Schema):
    """How customers get to speak."""

    mode: TalkMode


class MarkerAdd(Schema):
    """Notes something at this moment."""

    label: Annotated[str, Field(min_length=1, max_length=MAX_LABEL)]


class ChatSend(Schema):
    """Says something in writing."""

    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]


class IceServer(Schema):
    """The shape of an RTCIceServer."""

    urls: tuple[str, ...]
    username: str = Field(default="", exclude_if=_empty)
    credential: str = Field(default="", exclude_if=_empty, repr=False)


class SessionAnswer(Schema):
    """An opened session."""

    sdp: str
    session_id: str
    etag: str
    """Of its ICE session: what If-Match of a restart must say."""
    ice_servers: tuple[IceServer, ...]


class ClockReading(Schema):
    """The gateway's clock."""

    now: float
    """Unix milliseconds."""


class Layer(Schema):
    """One size in which a camera is broadcast."""

    rid: str
    width: int
    """Pixels; 0 while unknown."""
    height: int
    fps: float
    bitrate: int
    live: bool


class Camera(Schema):
    """A camera of the order."""

    name: str
    live: bool
    since: float | None
    """Unix seconds since when it is live."""
    codec: str | None
    layers: tuple[Layer, ...]


class StreamState(Schema):
    """The order's cameras."""

    order_id: str
    cameras: tuple[Camera, ...]


class Viewers(Schema):
    """How many watch."""

    count: int


class Line(Schema):
    """A further video line of a session."""

    mid: str
    camera: str | None
    pinned: str | None
    """The camera that was pinned to it, live or not; null for a line of thumbnails."""


class LayerState(Schema):
    """What a viewer's session plays, and what was asked for. Null while nothing plays."""

    session_id: str
    camera: str
    wanted_camera: str
    """Another than `camera` while that one is gone."""
    lines: tuple[Line, ...]
    rid: str | None
    width: int | None
    height: int | None
    fps: float | None
    bitrate: int | None
    wanted: str
    max_height: int | None


class UplinkState(Schema):
    """What arrives from a publisher's session."""

    session_id: str
    camera: str
    bitrate: int
    loss: float
    layers: tuple[Layer, ...]


class SessionClosed(Schema):
    """A session has ended, or with an empty id the connection."""

    session_id: str
    reason: str


class Draining(Schema):
    """The process stops."""

    retry_after: float


class Waiting(Schema):
    """Somebody in the queue."""

    viewer_id: str
    name: str


class Speaker(Schema):
    """Somebody who is heard now."""

    viewer_id: str
    name: str
    """Empty where a customer's page says none."""


class TalkState(Schema):
    """Who may speak, and who does; people by viewer id."""

    mode: TalkMode
    speaker: str | None
    """Of those who speak, the one who began first."""
    speakers: tuple[Speaker, ...]
    queue: tuple[Waiting, ...]
    """The longest first."""
    granted: tuple[str, ...]
    """Whose turn it is, the longest first."""
    muted: tuple[str, ...]
    muted_all: bool
    """Whether those who are yet to come will be muted."""


class TalkWelcome(TalkState):
    """The same for somebody who just came."""

    you: str
    """One's own viewer id; it never changes."""


class ViewedLayer(Schema):
    """What somebody sees now."""

    rid: str
    width: int
    height: int
    fps: float
    bitrate: int


class Person(Schema):
    """Somebody who watches, or waits for the picture."""

    viewer_id: str
    name: str
    since: float
    camera: str | None
    """Null without a session that plays."""
    layer: ViewedLayer | None
    rtt: float | None
    loss: float | None
    glass_to_glass: float | None
    freezes: int | None
    talk: TalkStanding


class People(Schema):
    """Who watches."""

    viewers: tuple[Person, ...]
    """Those who speak or want to first, then who came first."""
    total: int
    """How many there are, named or not."""


class Author(Schema):
    """Who wrote something."""

    viewer_id: str
    name: str
    role: Literal["customer", "technician", "staff"]


class ChatMessage(Schema):
    """Something said in writing."""

    id: str
    at: float
    """Unix milliseconds."""
    author: Author = Field(validation_alias="from", serialization_alias="from")
    text: str


class ChatHistory(Schema):
    """The newest messages, oldest first."""

    messages: tuple[ChatMessage, ...]


class Marker(Schema):
    """Something that happened, and when."""

    id: str
    at: float
    """Unix milliseconds."""
    label: str
    by: str


class Markers(Schema):
    """All markers of the order, oldest first."""

    markers: tuple[Marker, ...]


def parse(model: type[Model], data: object) -> Model:
    """A client's payload.

    Raises:
        Malformed: no object, a member that is missing, of the wrong type or outside its range.
    """
    if not isinstance(data, dict):
        raise Malformed("expected an object")
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise Malformed(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
