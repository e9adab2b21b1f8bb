"""What is loaded: a server, the orders on it, and the tokens that open them."""

from __future__ import annotations

from dataclasses import dataclass, field

from loadtest import adapters
from loadtest.messages import Endpoint


@dataclass(frozen=True, slots=True)
class Order:
    """An order of a gateway; elsewhere a stream, a path or a room."""

    name: str
    publish_token: str = field(repr=False)
    watch_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer's login, for the load of logins."""

    login: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Target:
    """A server, and how to get at it."""

    url: str
    orders: tuple[Order, ...]
    adapter: str = "whip"
    customer: Customer | None = None
    pid: int | None = None
    """The server's process, when it is on this machine."""

    def endpoints(self, cameras: int) -> tuple[Endpoint, ...]:
        """All cameras of all orders, the first camera of every order first.

        So viewers that go round them are on different orders for as long as there are any.
        """
        adapter = adapters.find(self.adapter)
        return tuple(
            adapter.endpoint(
                self.url, order.name, camera_name(number), order.publish_token, order.watch_token
            )
            for number in range(cameras)
            for order in self.orders
        )


def camera_name(number: int) -> str:
    """`main` is what everybody watches who names none."""
    return f"camera{number + 1}" if number else "main"
