"""Choosing layers for viewers as their pages do: Socket.IO's `layer:select`."""

from __future__ import annotations

from collections.abc import Mapping

import socketio

from loadtest.bench.gateway_process import RunningGateway

NAMESPACE = "/live"


async def limit_heights(running: RunningGateway, heights: Mapping[str, int]) -> None:
    """Ask for no picture over so many pixels, by session id. RuntimeError when the gateway refuses.

    One connection speaks for all sessions of the watch token; the wishes outlive it.
    """
    client = socketio.AsyncClient(reconnection=False)
    await client.connect(
        running.base, auth={"token": running.watch_token}, namespaces=[NAMESPACE], transports=["websocket"]
    )
    try:
        for session_id, height in heights.items():
            wish = {"sessionId": session_id, "rid": "auto", "maxHeight": height}
            told = await client.call("layer:select", wish, namespace=NAMESPACE)
            if not told.get("ok"):
                raise RuntimeError(f"the gateway refuses a wish: {told}")
    finally:
        await client.disconnect()
