"""Selective forwarding: rooms, publishers, layers, down tracks. Pure domain, no I/O."""
