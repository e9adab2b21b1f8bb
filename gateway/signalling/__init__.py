"""WHIP and WHEP use cases and the sessions they open."""
