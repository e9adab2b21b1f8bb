"""/api/admin/orders/{orderId}/conversation: what reception reads. Who may: `tests/conformance`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.access.grants import Scope
from gateway.access.records import Author, AuthorRole
from gateway.api.admin_conversation import MOST_AT_ONCE
from gateway.clock import ManualClock
from tests.signalling_rig import ORDER, OTHER_ORDER, Http, Rig, make_rig, serving

ANNA = Author("4524320adaad", "repair_anna", AuthorRole.CUSTOMER)


def path(order_id: str = ORDER) -> str:
    return f"/api/admin/orders/{order_id}/conversation"


@pytest.fixture
def rig() -> Rig:
    return make_rig(clock=ManualClock(epoch=1_790_000_000.25))


@pytest.fixture
async def http(rig: Rig) -> AsyncIterator[Http]:
    async with serving(rig) as client:
        yield client


async def get(http: Http, rig: Rig, order_id: str = ORDER, **query: str) -> Any:
    headers = rig.bearer(Scope.ADMIN, order_id=None)
    async with http.get(path(order_id), headers=headers, params=query) as response:
        assert response.status == 200
        return await response.json()


async def test_where_nobody_spoke_the_lists_are_empty(http: Http, rig: Rig) -> None:
    assert await get(http, rig) == {"orderId": ORDER, "messages": [], "markers": []}


async def test_what_was_said_and_marked(http: Http, rig: Rig) -> None:
    said = await rig.services.conversations.say(ORDER, ANNA, "Že jo?\n👍")
    marked = await rig.services.conversations.mark(ORDER, "boris", "battery removed")
    assert await get(http, rig) == {
        "orderId": ORDER,
        "messages": [
            {
                "id": said.id,
                "at": 1_790_000_000_250,
                "from": {"viewerId": "4524320adaad", "name": "repair_anna", "role": "customer"},
                "text": "Že jo?\n👍",
            }
        ],
        "markers": [
            {"id": marked.id, "at": 1_790_000_000_250, "label": "battery removed", "by": "boris"},
        ],
    }
    assert await get(http, rig, OTHER_ORDER) == {"orderId": OTHER_ORDER, "messages": [], "markers": []}


async def test_all_of_a_long_conversation_can_be_read_page_by_page(http: Http, rig: Rig) -> None:
    ids = [(await rig.services.conversations.say(ORDER, ANNA, f"{n}")).id for n in range(120)]
    assert [message["id"] for message in (await get(http, rig))["messages"]] == ids[70:]
    read: list[str] = []
    query = {"limit": "50"}
    while page := [message["id"] for message in (await get(http, rig, **query))["messages"]]:
        read = page + read
        query["before"] = page[0]
    assert read == ids


@pytest.mark.parametrize("limit", ["0", "-1", "x", "", "1e2", f"{MOST_AT_ONCE + 1}", "9" * 5000, "²", "٣"])
async def test_an_impossible_limit_is_malformed(http: Http, rig: Rig, limit: str) -> None:
    headers = rig.bearer(Scope.ADMIN, order_id=None)
    response = await http.get(path(), headers=headers, params={"limit": limit})
    assert response.status == 400
    assert (await response.json())["code"] == "malformed"


async def test_what_is_before_an_unknown_message_is_nothing(http: Http, rig: Rig) -> None:
    await rig.services.conversations.say(ORDER, ANNA, "x")
    for before in ("", "x", ORDER):
        assert (await get(http, rig, before=before))["messages"] == []
