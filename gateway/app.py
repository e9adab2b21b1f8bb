"""The composition root: builds everything, starts it in order, stops it in the opposite one."""

from __future__ import annotations

import asyncio
import gc
import signal
import ssl
import sys
from collections import Counter
from collections.abc import Awaitable, Callable

from aiohttp import web

from gateway.api import Services, create_app
from gateway.api.library_log import library_logger
from gateway.clock import SystemClock
from gateway.config import ConfigError, Settings
from gateway.errors import Unavailable
from gateway.log import get_logger
from gateway.metrics import GatewayCollector, PlaybackHistograms, Reading, registry
from gateway.signalling.ice_servers import IceServers
from gateway.signalling.opening import Doorkeeper, SessionOpener
from gateway.signalling.people import ViewerIds
from gateway.signalling.playback import PlaybackBook
from gateway.signalling.ports import SessionKind
from gateway.signalling.resource import SessionResource
from gateway.signalling.revocation import RevocationWatcher
from gateway.signalling.sessions import SessionRegistry
from gateway.signalling.whep import WhepService
from gateway.signalling.whip import WhipService
from gateway.storage.access_services import AccessServices, access_services
from gateway.storage.database import Database
from gateway.transport.media_plane import UdpMediaPlane

SESSIONS_DEADLINE = 5.0
HTTP_DEADLINE = 3.0
"""Seconds that sessions and requests have to end before they are cut."""

LINGERING = 2.0
"""Seconds that the rest of a refused body is still read, so that its sender gets to see the answer."""
KEEP_ALIVE = 75.0
"""Seconds that an idle connection is kept for a next request."""

log = get_logger("gateway.app")


class Gateway:
    """One process's worth of gateway. `start` once, `stop` as often as you like."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._clock = SystemClock()
        self._drops: Counter[str] = Counter()
        self._database = Database.of(settings)
        self.access: AccessServices = access_services(settings, self._database, self._clock, self._drops)
        self._closers: list[Callable[[], Awaitable[None]]] = [self._database.close]

    async def start(self) -> None:
        """Open the database, the media port and the HTTP port.

        Raises:
            Unavailable: one of them cannot be had; what was opened is closed again.
        """
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> None:
        await self._database.prepare()
        media = self._open_media()
        sessions = SessionRegistry(clock=self._clock, media=media, drops=self._drops)
        revocation = RevocationWatcher(ledger=self.access.accesses, sessions=sessions, drops=self._drops)
        services = self._compose(media, sessions, revocation)
        revocation.start()
        runner = web.AppRunner(
            create_app(services),
            access_log=None,
            logger=library_logger("gateway.http", self._drops, "http_malformed"),
            keepalive_timeout=KEEP_ALIVE,
            lingering_time=LINGERING,
            shutdown_timeout=HTTP_DEADLINE,
        )
        await runner.setup()
        self._closers += [runner.cleanup, revocation.stop, lambda: sessions.stop(SESSIONS_DEADLINE)]
        await self._listen(runner)

    def _open_media(self) -> UdpMediaPlane:
        settings = self.settings
        try:
            media = UdpMediaPlane(
                settings.media_host,
                settings.media_port,
                settings.announced_ips,
                self._clock,
                self._drops,
                settings.publisher_gone_seconds,
                settings.layer_cache_mb * 1_000_000,
            )
        except OSError as error:
            where = f"{settings.media_host}:{settings.media_port}/udp"
            raise Unavailable(f"cannot open the media port {where}: {error.strerror}") from None

        async def close_media() -> None:
            media.stop()

        self._closers.append(close_media)
        media.start()
        return media

    def _compose(
        self, media: UdpMediaPlane, sessions: SessionRegistry, revocation: RevocationWatcher
    ) -> Services:
        settings, access = self.settings, self.access
        secret = settings.turn_secret.get_secret_value() if settings.turn_secret else None
        ice_servers = IceServers(
            clock=self._clock, stun_urls=settings.stun_urls, turn_urls=settings.turn_urls, secret=secret
        )
        doorkeeper = Doorkeeper(orders=access.orders, ledger=access.accesses)
        viewer_ids = ViewerIds(settings.signing_secret().get_secret_value().encode())
        opener = SessionOpener(
            media=media,
            sessions=sessions,
            doorkeeper=doorkeeper,
            ice_servers=ice_servers,
            viewer_ids=viewer_ids,
        )
        times = PlaybackHistograms()
        playback = PlaybackBook(
            media=media,
            sessions=sessions,
            observe_glass_to_glass=times.glass_to_glass.observe,
            observe_first_frame=times.first_frame.observe,
        )
        return Services(
            settings=settings,
            clock=self._clock,
            tokens=access.tokens,
            accesses=access.accesses,
            orders=access.orders,
            conversations=access.conversations,
            media=media,
            sessions=sessions,
            revocation=revocation,
            resource=SessionResource(media=media, sessions=sessions),
            whip=WhipService(opener),
            whep=WhepService(opener),
            viewer_ids=viewer_ids,
            playback=playback,
            ice_servers=ice_servers,
            metrics=registry(
                self._collector(media, sessions, playback), times.glass_to_glass, times.first_frame
            ),
            drops=self._drops,
        )

    def _collector(
        self, media: UdpMediaPlane, sessions: SessionRegistry, playback: PlaybackBook
    ) -> GatewayCollector:
        return GatewayCollector(
            gauges={
                "gateway_sessions": Reading("Live sessions", lambda: len(sessions)),
                "gateway_sessions_by_kind": Reading(
                    "Live sessions that publish (whip) and that watch (whep)",
                    lambda: {kind.value: sessions.count(kind) for kind in SessionKind},
                    label="kind",
                ),
                "gateway_stalled_viewers": Reading("Viewers whose pages see nothing move", playback.stalled),
                "gateway_allocated_blocks": Reading(
                    "Memory blocks in use by Python; resident memory keeps what the allocator may use again",
                    sys.getallocatedblocks,
                ),
                "gateway_tasks": Reading("asyncio tasks of the process", lambda: len(asyncio.all_tasks())),
                "gateway_media_load_ratio": Reading(
                    "Part of its time, 0 to 1, that the loop lately spent on media; near 1 latency grows",
                    lambda: media.load,
                ),
                "gateway_segments_per_send": Reading(
                    "Packets that one system call may carry; 1 where offload is refused",
                    lambda: media.max_segments,
                ),
            },
            counters={
                "gateway_drops": Reading(
                    "Input refused or dropped, by reason", lambda: self._drops, label="reason"
                ),
                "gateway_datagrams_received": Reading("UDP datagrams read", lambda: media.datagrams_received),
                "gateway_layer_switches": Reading(
                    "Viewers sent to another layer while they watched",
                    lambda: playback.switches,
                    label="direction",
                ),
            },
        )

    async def _listen(self, runner: web.AppRunner) -> None:
        settings = self.settings
        tls = _tls(settings)
        site = web.TCPSite(
            runner, settings.http_host, settings.http_port, ssl_context=tls, reuse_address=True
        )
        try:
            await site.start()
        except OSError as error:
            where = f"{settings.http_host}:{settings.http_port}"
            raise Unavailable(f"cannot open the HTTP port {where}: {error.strerror}") from None
        log.info("gateway ready", url=settings.public_url, http_port=settings.http_port)

    async def stop(self) -> None:
        """Refuse, say goodbye, close: in that order, each with a deadline. Idempotent."""
        closers, self._closers = self._closers, []
        for close in reversed(closers):
            try:
                await close()
            except Exception:  # the rest must be closed all the same
                log.exception("a part of the gateway did not close in order")


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key)
    except OSError as error:
        raise ConfigError(f"GATEWAY_TLS_CERT, GATEWAY_TLS_KEY: {error.strerror or error}") from None
    return context


async def serve(settings: Settings, started: Callable[[Gateway], Awaitable[None]] | None = None) -> None:
    """Run a gateway until SIGTERM or SIGINT.

    `started` is awaited once it takes requests. Raises Unavailable or ConfigError when it cannot start.
    """
    gateway = Gateway(settings)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await gateway.start()
    # What was made until now stays: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    try:
        if started is not None:
            await started(gateway)
        await stopping.wait()
        log.info("gateway stopping")
    finally:
        await gateway.stop()
    log.info("gateway stopped")
