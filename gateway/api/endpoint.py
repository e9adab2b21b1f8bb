"""What the WHIP and WHEP endpoints have in common: caps, headers, the 201."""

from __future__ import annotations

from aiohttp import web

from gateway.access.grants import Grant
from gateway.api.auth import client_address, optional_grant
from gateway.api.body import MAX_SDP, read_text, require_type
from gateway.api.rate_limit import RateLimiter
from gateway.api.services import SERVICES, Services
from gateway.errors import Unauthenticated
from gateway.signalling.ice_servers import IceServer
from gateway.signalling.link_header import ice_server_links
from gateway.signalling.messages import DEFAULT_CAMERA, AnswerResponse, OfferRequest

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"

OFFERS_PER_SECOND = 100.0
OFFERS_AT_ONCE = 250.0
"""Per address: a lecture hall behind one NAT comes back at once after a drop."""


class Limits:
    """The rate limits of the session surface."""

    def __init__(self, services: Services) -> None:
        clock = services.clock
        self.offers = RateLimiter(clock=clock, rate=OFFERS_PER_SECOND, burst=OFFERS_AT_ONCE)
        self.changes = RateLimiter(clock=clock, rate=2 * OFFERS_PER_SECOND, burst=2 * OFFERS_AT_ONCE)
        # Clients that trickle send a fragment every 100 ms.
        self.session = RateLimiter(clock=clock, rate=20.0, burst=60.0)


LIMITS = web.AppKey("limits", Limits)


def endpoint_of(request: web.Request) -> tuple[str, str]:
    """Order and camera that the path names."""
    return request.match_info["order_id"], request.match_info.get("camera", DEFAULT_CAMERA)


async def read_offer(request: web.Request, grant: Grant) -> OfferRequest:
    """The POST's body as an offer.

    Raises:
        UnsupportedType, TooLarge, Malformed: see `body`.
    """
    require_type(request, SDP)
    order_id, camera = endpoint_of(request)
    return OfferRequest(grant=grant, order_id=order_id, camera=camera, sdp=await read_text(request, MAX_SDP))


def limit_offers(request: web.Request) -> None:
    """Raise RateLimited when one address asks too often."""
    request.app[LIMITS].offers.take(client_address(request))


def created(answer: AnswerResponse) -> web.Response:
    """201 with the answer: Location is a path without a query, unguessable, gone with the session."""
    response = web.Response(status=201, body=answer.sdp.encode(), content_type=SDP)
    response.headers["Location"] = f"/sessions/{answer.session_id}"
    response.headers["ETag"] = answer.etag
    response.headers["Accept-Patch"] = FRAGMENT
    response.headers["Cache-Control"] = "no-store"
    _add_links(response, answer.ice_servers)
    return response


async def options(request: web.Request) -> web.Response:
    """200 for preflights, which bear no token, and for clients that look for ICE servers.

    TURN credentials are only for those who show a token; a bad one gets what none gets.
    """
    response = web.Response(status=200, headers={"Accept-Post": SDP, "Allow": "OPTIONS, GET, HEAD, POST"})
    try:
        grant = optional_grant(request)
    except Unauthenticated:
        grant = None
    servers = request.app[SERVICES].ice_servers.issue(grant.subject if grant else "client")
    _add_links(response, servers if grant else tuple(s for s in servers if s.credential is None))
    return response


async def empty(request: web.Request) -> web.Response:
    """GET and HEAD: the endpoint is there, and has nothing to show."""
    return web.Response(status=204)


def _add_links(response: web.Response, servers: tuple[IceServer, ...]) -> None:
    for link in ice_server_links(servers):
        response.headers.add("Link", link)
