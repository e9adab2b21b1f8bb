"""`gateway demo`: the gateway with an order, its logins and a synthetic camera, ready to be looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.config import Settings


async def run(settings: Settings, camera: bool = True) -> None:
    """Serve until told to stop, with the demo's order; `camera` adds the synthetic camera.

    Raises Unavailable or ConfigError when the gateway cannot start.
    """
    # Here, so that the camera's process, a module of this package, does not load the whole gateway.
    from gateway.demo.serving import serve_demo

    await serve_demo(settings, camera=camera)
