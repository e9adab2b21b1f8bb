"""A WHIP and WHEP client on the gateway's own protocol layer, for the demo, tests and load."""
