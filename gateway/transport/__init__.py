"""Sockets and timers around the protocol and the SFU."""
