"""Repair Live: a low-latency gateway between a technician's camera and the customers who watch."""

__version__ = "0.1.0"
