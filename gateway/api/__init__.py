"""HTTP and Socket.IO: the adapters between clients and use cases."""

from gateway.api.routes import create_app
from gateway.api.services import Services

__all__ = ["Services", "create_app"]
