"""Live sessions by order and by person, so that nobody has to look through all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.signalling.sessions import Session


class SessionIndex:
    """What is kept for an order or a person goes with their last session."""

    def __init__(self) -> None:
        self._orders: dict[str, dict[str, dict[str, Session]]] = {}

    def add(self, session: Session) -> None:
        """Find it from now on."""
        people = self._orders.setdefault(session.order_id, {})
        people.setdefault(session.subject, {})[session.session_id] = session

    def remove(self, session: Session) -> None:
        """Find it no more; one that is not here changes nothing."""
        people = self._orders.get(session.order_id, {})
        mine = people.get(session.subject, {})
        if mine.pop(session.session_id, None) is None or mine:
            return
        del people[session.subject]
        if not people:
            del self._orders[session.order_id]

    def orders(self) -> tuple[str, ...]:
        """The ids of the orders that have sessions."""
        return tuple(self._orders)

    def of_order(self, order_id: str) -> tuple[Session, ...]:
        """All sessions of an order."""
        people = self._orders.get(order_id, {})
        return tuple(session for mine in people.values() for session in mine.values())

    def of_person(self, order_id: str, subject: str) -> tuple[Session, ...]:
        """One person's sessions in an order, oldest first."""
        return tuple(self._orders.get(order_id, {}).get(subject, {}).values())

    def of_viewer(self, order_id: str, viewer_id: str) -> tuple[Session, ...]:
        """As `of_person`, for who is known by a viewer id only."""
        for mine in self._orders.get(order_id, {}).values():
            sessions = tuple(mine.values())
            if sessions[0].viewer_id == viewer_id:
                return sessions
        return ()
