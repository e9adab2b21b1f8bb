"""What the coordinator of a load test and its worker processes tell each other: one JSON object a line.

A worker reads its job (`job_line`, `read_job`) as the first line of its standard input, prints
`{"event": "ready", "obeys": […]}` when it can begin, obeys `Command`s (`command_line`, `read_command`),
prints one `Tick` a second and a last one when it stops. `obeys` names those of the `OPTIONAL` fields that it
knows; a job that needs another is not run. What goes wrong for good is `{"event": "error", "text": …}` and an
end with status 1. All counts in a tick are of the time since the tick before, so that the coordinator adds
and draws them; `sessions` and `opening` are as of now. Standard input that ends means stop.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any, Literal

from loadtest.histogram import Histogram

OPTIONAL = ("loss",)
"""Fields of jobs that a worker need not know: it says so when it is ready."""

Role = Literal["publish", "watch", "check", "pages", "login"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One order on one server: absolute URLs and the tokens that open them."""

    whip: str
    whep: str
    publish_token: str = field(repr=False)
    watch_token: str = field(repr=False)
    adapter: str = "whip"
    """Which server this is, where it has quirks: a name of `loadtest.adapters`."""
    talk: str = ""
    """Where viewers with a microphone publish it; empty where the server has no such thing."""


@dataclass(frozen=True, slots=True)
class Layer:
    """An encoding that a publisher sends; `rid` is None without simulcast."""

    rid: str | None
    kbit: int
    width: int
    height: int
    fps: int = 25


@dataclass(frozen=True, slots=True)
class PublishJob:
    """Publish real media, one session for each endpoint."""

    endpoints: tuple[Endpoint, ...]
    codec: Literal["h264", "vp8"]
    layers: tuple[Layer, ...]
    audio: bool = True
    keyframe_seconds: float = 2.0
    pace: float = 0.0
    """Times its bitrate at which a layer leaves, beyond 40 ms at once, as from browsers; 0: each frame at
    once, as from OBS."""
    core: int | None = None
    role: Role = "publish"


@dataclass(frozen=True, slots=True)
class WatchJob:
    """Watch without decoding, going round the endpoints; `Command("sessions", n)` says how many at once."""

    endpoints: tuple[Endpoint, ...]
    ramp: float = 20.0
    """Sessions that are begun a second."""
    stay: float = 0.0
    """Mean seconds after which a viewer leaves and another comes; 0: all stay."""
    feedback: Literal["transport-cc", "none"] = "transport-cc"
    nack: bool = True
    talkers: int = 0
    """So many of the first viewers also publish a voice to `/whip/{order}/talk`."""
    loss: float = 0.0
    """Share (0 to 1) of the arriving media datagrams that a viewer throws away unread, like a bad line."""
    core: int | None = None
    role: Role = "watch"


@dataclass(frozen=True, slots=True)
class CheckJob:
    """Watch, decode, and check the picture: its clock and whether it moves."""

    endpoints: tuple[Endpoint, ...]
    viewers: int = 1
    core: int | None = None
    role: Role = "check"


@dataclass(frozen=True, slots=True)
class PagesJob:
    """So many Socket.IO clients that listen as pages do."""

    url: str
    token: str = field(repr=False)
    clients: int
    core: int | None = None
    role: Role = "pages"


@dataclass(frozen=True, slots=True)
class LoginJob:
    """Log customers in at a steady rate."""

    url: str
    login: str
    password: str = field(repr=False)
    per_second: float
    core: int | None = None
    role: Role = "login"


Job = PublishJob | WatchJob | CheckJob | PagesJob | LoginJob


_JOBS: dict[str, type[Job]] = {
    "publish": PublishJob,
    "watch": WatchJob,
    "check": CheckJob,
    "pages": PagesJob,
    "login": LoginJob,
}


def job_line(job: Job) -> str:
    """The job as one line of JSON. It has tokens in it: for a worker's standard input, not for a log."""
    return json.dumps(dataclasses.asdict(job), separators=(",", ":"))


def read_job(line: str) -> Job:
    """The reverse of `job_line`. Raises ValueError or TypeError for anything else."""
    fields = json.loads(line)
    kind = _JOBS[fields["role"]]
    if "endpoints" in fields:
        fields["endpoints"] = tuple(Endpoint(**endpoint) for endpoint in fields["endpoints"])
    if "layers" in fields:
        fields["layers"] = tuple(Layer(**layer) for layer in fields["layers"])
    return kind(**fields)


@dataclass(frozen=True, slots=True)
class Command:
    """`sessions` sets how many viewers there should be, `measure` forgets what was counted, `stop` ends."""

    do: Literal["sessions", "measure", "stop"]
    number: int = 0


def command_line(command: Command) -> str:
    """The command as one line of JSON."""
    return json.dumps(dataclasses.asdict(command), separators=(",", ":"))


def read_command(line: str) -> Command:
    """The reverse of `command_line`. Raises ValueError or TypeError for anything else."""
    return Command(**json.loads(line))


@dataclass(slots=True)
class Tick:
    """What a worker saw since its last tick."""

    at: float
    """Unix time."""
    seconds: float
    """How long this tick lasted."""
    sessions: int = 0
    opening: int = 0
    opened: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    """Sessions that could not be opened or ended by themselves, by reason."""
    packets: int = 0
    """Media packets without retransmissions."""
    octets: int = 0
    missing: int = 0
    """Packets that did not come at first."""
    lost: int = 0
    """Of those, packets that never came."""
    nacks: int = 0
    freezes: int = 0
    """Standing pictures of over 300 ms and three times the usual distance, as a decoder would have them."""
    freeze_seconds: float = 0.0
    latency: Histogram = field(default_factory=Histogram)
    """Milliseconds from a publisher's sending to the arrival at a viewer's socket."""
    join: Histogram = field(default_factory=Histogram)
    """Milliseconds from the request for a session to its first whole keyframe."""
    gap: Histogram = field(default_factory=Histogram)
    """Milliseconds between two frames that arrived whole, by viewer."""
    glass: Histogram = field(default_factory=Histogram)
    """Milliseconds from the clock in the picture to its decoding."""
    pictures: int = 0
    """Pictures decoded and found right."""
    wrong_pictures: int = 0
    requests: Histogram = field(default_factory=Histogram)
    """Milliseconds that logins or events took."""
    cpu: float = 0.0
    """CPU seconds of this process."""
    kernel_drops: int = 0
    """Datagrams that the kernel dropped as this process read too slowly: the generator is the limit."""
    lag: float = 0.0
    """The longest time in seconds that ready sockets waited for this process."""

    def to_json(self) -> str:
        """One line."""
        return json.dumps({"event": "tick", **dataclasses.asdict(self)}, separators=(",", ":"))

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Tick:
        """The reverse of `to_json`, after `json.loads`."""
        values = {name: value for name, value in fields.items() if name != "event"}
        for name in ("latency", "join", "gap", "glass", "requests"):
            values[name] = Histogram(**values[name])
        return cls(**values)

    def add(self, other: Tick) -> None:
        """Sum with another worker's, or with a later one of the same."""
        for name in ("opened", "packets", "octets", "missing", "lost", "nacks", "freezes", "freeze_seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("pictures", "wrong_pictures", "cpu", "kernel_drops"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("latency", "join", "gap", "glass", "requests"):
            getattr(self, name).merge(getattr(other, name))
        for reason, count in other.failed.items():
            self.failed[reason] = self.failed.get(reason, 0) + count
        self.lag = max(self.lag, other.lag)
