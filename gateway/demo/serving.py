"""The demo put together: gateway, household, camera, and the table that tells about them."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from gateway.access.grants import Scope
from gateway.app import Gateway, serve
from gateway.clock import SystemClock
from gateway.config import Settings
from gateway.demo.camera_process import CameraProcess
from gateway.demo.household import Household, settle
from gateway.storage.access_services import AccessServices

SUBJECT = "demo-camera"
"""One subject for the camera, the studio link and OBS: whoever begins last takes the picture over, and the
camera waits until the order is free again."""
PUBLISH_SECONDS = 86_400.0


async def serve_demo(settings: Settings, *, camera: bool) -> None:
    """Serve with the demo's household until told to stop."""
    cameras: list[CameraProcess] = []

    async def started(gateway: Gateway) -> None:
        household = await settle(gateway.access, settings.data_dir, SystemClock())
        rows = await _rows(settings, gateway.access, household)
        if camera:
            cameras.append(CameraProcess(lambda: _assignment(settings, gateway.access, household.order_id)))
            cameras[0].start()
        sys.stdout.write(table(rows))
        sys.stdout.flush()

    try:
        await serve(settings, started)
    finally:
        for process in cameras:
            await process.stop()


def table(rows: Iterable[tuple[str, str]]) -> str:
    """Rows of name and value in two columns; values are never cut or wrapped, since they are copied."""
    rows = list(rows)
    width = max(len(name) for name, _ in rows)
    lines = [f"  {name:<{width}}  {value}".rstrip() for name, value in rows]
    return "\n".join(["", *lines, "", ""])


async def _rows(settings: Settings, access: AccessServices, household: Household) -> list[tuple[str, str]]:
    customer = household.customer
    watch = await access.accesses.authenticate(customer.login, customer.password, "127.0.0.1")
    publish = _publish_token(access, household.order_id)
    base = settings.public_url
    return [
        ("Viewer", f"{base}/live-stream#token={watch.token}"),
        ("  or log in at", f"{base}/#live-stream"),
        ("  login, password", f"{customer.login}  {customer.password}"),
        ("Studio", f"{base}/studio#token={publish}"),
        ("Talkback (beside OBS)", f"{base}/talkback#token={publish}"),
        ("  technician", f"{household.technician.login}  {household.technician.password}"),
        ("Admin's account", f"{household.admin.login}  {household.admin.password}"),
        ("OBS server (WHIP)", f"{base}/whip/{household.order_id}"),
        ("OBS bearer token", publish),
    ]


def _publish_token(access: AccessServices, order_id: str) -> str:
    issued = access.tokens.issue(
        subject=SUBJECT, scopes=(Scope.PUBLISH,), ttl=PUBLISH_SECONDS, order_id=order_id
    )
    return issued.token


def _assignment(settings: Settings, access: AccessServices, order_id: str) -> dict[str, str]:
    base = local_url(settings)
    return {
        "url": f"{base}/whip/{order_id}",
        "state_url": f"{base}/api/live-stream/url?orderId={order_id}",
        "token": _publish_token(access, order_id),
    }


def local_url(settings: Settings) -> str:
    """Where this machine reaches the gateway; with TLS the public URL, which the certificate names."""
    if settings.tls_cert is not None:
        return settings.public_url
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}  # noqa: S104 - not bound, replaced
    host = everywhere.get(settings.http_host, settings.http_host)
    return f"http://{f'[{host}]' if ':' in host and host[0] != '[' else host}:{settings.http_port}"
