"""What a load test does: a scenario, read from TOML and changed by options.

A key that no scenario has is an error that names the nearest right one, so that a threshold with a typing
mistake is never silently not judged.
"""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from loadtest.messages import Layer

SCENARIOS = Path(__file__).parent / "scenarios"


class ScenarioError(Exception):
    """A scenario, or an option that changes one, cannot be used; says which key and why."""


@dataclass(frozen=True, slots=True)
class Publishing:
    """Who sends. Each camera of each order is one WHIP session."""

    orders: int = 1
    cameras: int = 1
    codec: Literal["h264", "vp8"] = "h264"
    audio: bool = True
    keyframe_seconds: float = 2.0
    pace: float = 0.0
    """See `PublishJob`."""
    layers: tuple[Layer, ...] = (Layer(None, 1000, 640, 360),)


@dataclass(frozen=True, slots=True)
class Watching:
    """Who watches, all orders alike. Viewers that decode (`checked`) come on top of `viewers`."""

    viewers: int = 20
    ramp: float = 20.0
    """Sessions that are begun a second, in all."""
    stay: float = 0.0
    """Mean seconds after which a viewer leaves and another comes; 0: all stay."""
    talkers: int = 0
    feedback: Literal["transport-cc", "none"] = "transport-cc"
    nack: bool = True
    checked: int = 1
    """Viewers that decode and look at the picture."""


@dataclass(frozen=True, slots=True)
class Clients:
    """Those who use the gateway otherwise: pages with a Socket.IO connection, customers who log in."""

    pages: int = 0
    logins_per_second: float = 0.0


@dataclass(frozen=True, slots=True)
class Network:
    """The line between gateway and viewers."""

    profile: str = "none"
    """A name of `PROFILES`."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What the viewers themselves can do to imitate a line."""

    loss: float
    """Share of the arriving media datagrams that is thrown away."""


PROFILES = {"none": Profile(0.0), "wifi": Profile(0.005), "mobile": Profile(0.02), "bad": Profile(0.05)}
"""Lines by name. Delay, jitter and narrowness need a real one: see `loadtest/README.md`."""


@dataclass(frozen=True, slots=True)
class Generator:
    """The machine that makes the load, and when it is too busy to judge others."""

    workers: int = 0
    """Processes that watch; 0: one for each core that the generator has."""
    max_lag_ms: float = 100.0
    """95 of 100 seconds, ready sockets waited at most so long for their process."""
    max_cpu: float = 0.92
    """Share of a core that no worker may exceed."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What must hold for a pass. What is left out is not judged."""

    loss: float | None = None
    """Share (0 to 1) of packets that viewers never got, repairs counted as got."""
    join_p95_ms: float | None = None
    """From the request for a session to its first whole keyframe."""
    latency_p99_ms: float | None = None
    """From a publisher's sending to a viewer's socket."""
    glass_p95_ms: float | None = None
    """From the clock in the picture to its decoding, by the viewers that decode."""
    freezes_per_viewer_minute: float | None = None
    failed_sessions: float | None = None
    """Share (0 to 1) of sessions that could not be opened or ended by themselves."""
    wrong_pictures: int | None = None
    requests_p95_ms: float | None = None
    """Logins, and connections of pages."""
    min_viewers: int | None = None
    """Viewers that were connected all the while."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole load test."""

    title: str = "load test"
    duration: float = 30.0
    """Seconds that are judged, after ramp and warm-up."""
    warmup: float = 5.0
    """Seconds between the last viewer's coming and the judgement."""
    publish: Publishing = field(default_factory=Publishing)
    watch: Watching = field(default_factory=Watching)
    clients: Clients = field(default_factory=Clients)
    network: Network = field(default_factory=Network)
    generator: Generator = field(default_factory=Generator)
    thresholds: Thresholds = field(default_factory=Thresholds)

    @property
    def kbit(self) -> int:
        """Video bit rate of one camera, all its layers, in kbit/s."""
        return sum(layer.kbit for layer in self.publish.layers)


def load(path: Path) -> Scenario:
    """Read a scenario. Raises ScenarioError with the file's name in it."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        return from_values(values)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ScenarioError) as error:
        raise ScenarioError(f"{path}: {getattr(error, 'strerror', None) or error}") from None


def from_values(values: Mapping[str, Any]) -> Scenario:
    """A scenario from what TOML says. Raises ScenarioError."""
    return checked(_build(Scenario, values, ""))


def with_options(
    scenario: Scenario,
    *,
    viewers: int | None = None,
    bitrate: int | None = None,
    duration: float | None = None,
) -> Scenario:
    """The scenario with what the command line says otherwise. Raises ScenarioError.

    `bitrate` in kbit/s is of the best layer; the others keep their relation to it.
    """
    publish, watch = scenario.publish, scenario.watch
    if viewers is not None:
        watch = dataclasses.replace(watch, viewers=viewers, talkers=min(watch.talkers, viewers))
    if bitrate is not None:
        best = max(layer.kbit for layer in publish.layers)
        layers = (
            dataclasses.replace(layer, kbit=max(1, round(layer.kbit * bitrate / best)))
            for layer in publish.layers
        )
        publish = dataclasses.replace(publish, layers=tuple(layers))
    changed = dataclasses.replace(
        scenario,
        publish=publish,
        watch=watch,
        duration=scenario.duration if duration is None else duration,
    )
    return checked(changed)


def checked(scenario: Scenario) -> Scenario:
    """The same, if it can be done. Raises ScenarioError."""
    publish, watch = scenario.publish, scenario.watch
    for text, wrong in (
        ("duration must be over 0", scenario.duration <= 0),
        ("warmup must not be negative", scenario.warmup < 0),
        ("publish.orders and publish.cameras must be at least 1", min(publish.orders, publish.cameras) < 1),
        ("publish.layers must have a layer", not publish.layers),
        ("publish.layers: kbit, width, height and fps must be over 0", _bad_layers(publish.layers)),
        ("publish.layers: more than one need a rid each", _bad_rids(publish.layers)),
        ("watch.viewers and watch.checked must not be negative", min(watch.viewers, watch.checked) < 0),
        ("watch.ramp must be over 0", watch.ramp <= 0),
        ("watch.stay must not be negative", watch.stay < 0),
        ("watch.talkers must be 0 to watch.viewers", not 0 <= watch.talkers <= watch.viewers),
        ("watch.talkers: at most one an order, as they share its token", watch.talkers > publish.orders),
        (f"network.profile must be one of {', '.join(PROFILES)}", scenario.network.profile not in PROFILES),
    ):
        if wrong:
            raise ScenarioError(text)
    return scenario


def _bad_layers(layers: tuple[Layer, ...]) -> bool:
    return any(min(layer.kbit, layer.width, layer.height, layer.fps) <= 0 for layer in layers)


def _bad_rids(layers: tuple[Layer, ...]) -> bool:
    rids = {layer.rid for layer in layers}
    return len(layers) > 1 and (None in rids or len(rids) < len(layers))


def _build(kind: Any, values: object, where: str) -> Any:
    """A dataclass from a TOML table, its fields by their annotations."""
    if not isinstance(values, Mapping):
        raise ScenarioError(f"{where} must be a table")
    hints = typing.get_type_hints(kind)
    # A layer without a rid may leave it out.
    arguments: dict[str, Any] = {
        name: None for name, hint in hints.items() if _may_be_none(hint) and name not in values
    }
    for name, value in values.items():
        place = f"{where}.{name}" if where else name
        if name not in hints:
            near = difflib.get_close_matches(name, hints, n=1, cutoff=0.0)
            raise ScenarioError(f"no key {place!r}; did you mean {near[0]!r}?")
        arguments[name] = _value(hints[name], value, place)
    missing = [
        each.name
        for each in dataclasses.fields(kind)
        if each.default is dataclasses.MISSING
        and each.default_factory is dataclasses.MISSING
        and each.name not in arguments
    ]
    if missing:
        raise ScenarioError(f"{where} needs {', '.join(missing)}")
    return kind(**arguments)


def _may_be_none(hint: Any) -> bool:
    return types.NoneType in typing.get_args(hint)


def _value(hint: Any, value: object, where: str) -> Any:
    """One value as its annotation wants it. Whole numbers do for floats, as TOML writes them."""
    origin = typing.get_origin(hint)
    if origin is types.UnionType:
        hint = next(each for each in typing.get_args(hint) if each is not types.NoneType)
        origin = typing.get_origin(hint)
    if dataclasses.is_dataclass(hint):
        return _build(hint, value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise ScenarioError(f"{where} must be a list of tables")
        return tuple(_build(typing.get_args(hint)[0], each, where) for each in value)
    if origin is Literal:
        if value not in typing.get_args(hint):
            raise ScenarioError(f"{where} must be one of {', '.join(typing.get_args(hint))}")
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not hint:
        names = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
        raise ScenarioError(f"{where} must be {names[hint]}")
    return value
