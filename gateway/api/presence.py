"""Who has a page of an order open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gateway.api.listener import Listener


class Presence:
    """Connected pages by order and person. What is kept for an order goes with its last page."""

    def __init__(self) -> None:
        self._orders: dict[str, dict[str, list[Listener]]] = {}
        self._staff: dict[str, int] = {}

    def join(self, listener: Listener) -> None:
        """A page comes."""
        people = self._orders.setdefault(listener.order_id, {})
        people.setdefault(listener.viewer_id, []).append(listener)
        if listener.staff:
            self._staff[listener.order_id] = self._staff.get(listener.order_id, 0) + 1

    def leave(self, listener: Listener) -> None:
        """A page goes."""
        people = self._orders[listener.order_id]
        people[listener.viewer_id].remove(listener)
        if not people[listener.viewer_id]:
            del people[listener.viewer_id]
        if not people:
            del self._orders[listener.order_id]
        if listener.staff:
            self._staff[listener.order_id] -= 1
            if not self._staff[listener.order_id]:
                del self._staff[listener.order_id]

    def __contains__(self, order_id: str) -> bool:
        """Whether somebody has a page of the order."""
        return order_id in self._orders

    def watched_by_staff(self) -> Iterator[str]:
        """The orders that somebody of the workshop has a page of."""
        return iter(self._staff)

    def of_person(self, order_id: str, viewer_id: str) -> Sequence[Listener]:
        """A person's pages, oldest first."""
        return self._orders.get(order_id, {}).get(viewer_id, ())

    def people(self, order_id: str) -> list[Listener]:
        """The oldest page of each person."""
        return [pages[0] for pages in self._orders.get(order_id, {}).values()]
