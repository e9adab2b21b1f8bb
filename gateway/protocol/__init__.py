"""The wire, pure: bytes and `now` in, bytes and events out. No sockets, no clocks, no asyncio."""
