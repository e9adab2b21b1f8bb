"""What the HTTP and Socket.IO adapters call. Built once by `app.py`, handed to `create_app`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from prometheus_client import CollectorRegistry

from gateway.access.conversation import Conversations
from gateway.access.live_access import LiveAccesses
from gateway.access.orders import Orders
from gateway.access.tokens import Tokens
from gateway.clock import Clock
from gateway.config import Settings
from gateway.signalling.ice_servers import IceServers
from gateway.signalling.people import ViewerIds
from gateway.signalling.playback import PlaybackBook
from gateway.signalling.ports import MediaPlane
from gateway.signalling.resource import SessionResource
from gateway.signalling.revocation import RevocationWatcher
from gateway.signalling.sessions import SessionRegistry
from gateway.signalling.whep import WhepService
from gateway.signalling.whip import WhipService

PAGES = Path(__file__).resolve().parent.parent / "pages"


@dataclass(slots=True, kw_only=True)
class Services:
    """The use cases and leaves that a request may need.

    `sessions.draining` decides `/readyz`; `ready` adds anything else that must hold (migrations).
    `metrics` is rendered by `/metrics`. `drops` counts refused input by name.
    `pages` is the directory of the built web pages; it may not exist yet.
    """

    settings: Settings
    clock: Clock
    tokens: Tokens
    accesses: LiveAccesses
    orders: Orders
    conversations: Conversations
    media: MediaPlane
    sessions: SessionRegistry
    revocation: RevocationWatcher
    resource: SessionResource
    whip: WhipService
    whep: WhepService
    playback: PlaybackBook
    viewer_ids: ViewerIds
    ice_servers: IceServers
    metrics: CollectorRegistry
    drops: Counter[str] = field(default_factory=Counter)
    ready: Callable[[], bool] = lambda: True
    pages: Path = PAGES


SERVICES = web.AppKey("services", Services)
