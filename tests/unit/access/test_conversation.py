"""Chat and markers: what is kept of what people type, and how much of it."""

from __future__ import annotations

import pytest

from gateway.access import conversation
from gateway.access.conversation import MAX_LABEL, MAX_NAME, MAX_TEXT
from gateway.access.records import Author, AuthorRole
from gateway.errors import ConversationFull, Malformed, NotFound, TooLarge
from tests.unit.access.fakes import ORDER, Office

ANNA = Author("4524320adaad", "repair_anna", AuthorRole.CUSTOMER)
BORIS = Author("0011223344ff", "boris", AuthorRole.TECHNICIAN)
UNKNOWN = "77777777-2222-4333-8444-555555555555"


async def test_what_was_said_is_told_in_its_order() -> None:
    office = Office()
    asked = await office.conversations.say(ORDER, ANNA, "Is it the battery?")
    office.clock.advance(2.5)
    answered = await office.conversations.say(ORDER, BORIS, "It is.")
    assert await office.conversations.history(ORDER) == [asked, answered]
    assert (asked.author_id, asked.author_name, asked.role) == (ANNA.id, ANNA.name, AuthorRole.CUSTOMER)
    assert (asked.order_id, asked.text, answered.at - asked.at) == (ORDER, "Is it the battery?", 2.5)
    assert asked.id != answered.id


async def test_a_page_gets_the_newest_and_may_ask_for_those_before() -> None:
    office = Office()
    said = [await office.conversations.say(ORDER, ANNA, f"{n}") for n in range(60)]
    assert await office.conversations.history(ORDER) == said[10:]
    assert await office.conversations.history(ORDER, limit=3) == said[57:]
    assert await office.conversations.history(ORDER, limit=3, before=said[57].id) == said[54:57]


async def test_a_marker_names_a_moment() -> None:
    office = Office()
    marker = await office.conversations.mark(ORDER, "boris", "  battery\n removed ")
    assert (marker.label, marker.author_name, marker.at) == ("battery removed", "boris", office.clock.time())
    assert await office.conversations.markers(ORDER) == [marker]


async def test_an_order_that_does_not_exist_has_no_conversation() -> None:
    office = Office()
    for asking in (
        office.conversations.say(UNKNOWN, ANNA, "x"),
        office.conversations.mark(UNKNOWN, "boris", "x"),
        office.conversations.history(UNKNOWN),
        office.conversations.markers(UNKNOWN),
    ):
        with pytest.raises(NotFound):
            await asking
    assert not office.conversation_rows.said
    assert not office.conversation_rows.marked


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  hello \n", "hello"),
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour"),
        ("a\tb", "a b"),
        ("a\0b\x1b[31mc\x7f\x9bd", "ab[31mcd"),
        ("half \ud83d", "half"),
        ("\u202egnp.exe\u2066x", "gnp.exex"),
        ("семья 👨‍👩‍👧 žluťoučký", "семья 👨‍👩‍👧 žluťoučký"),  # held together by U+200D
        ("<b>&amp;", "<b>&amp;"),
        ("x" * MAX_TEXT + "  ", "x" * MAX_TEXT),
    ],
)
async def test_only_what_shows_is_kept(typed: str, kept: str) -> None:
    office = Office()
    assert (await office.conversations.say(ORDER, ANNA, typed)).text == kept


@pytest.mark.parametrize("text", ["", " \n\t ", "\0", "\ud800", "\u200b", "\u00a0\u3000", "\u202e"])
async def test_what_shows_nothing_is_refused(text: str) -> None:
    office = Office()
    with pytest.raises(Malformed):
        await office.conversations.say(ORDER, ANNA, text)
    with pytest.raises(Malformed):
        await office.conversations.mark(ORDER, "boris", text)


async def test_what_is_too_long_is_refused() -> None:
    office = Office()
    with pytest.raises(TooLarge, match=str(MAX_TEXT)):
        await office.conversations.say(ORDER, ANNA, "x" * (MAX_TEXT + 1))
    with pytest.raises(TooLarge, match=str(MAX_LABEL)):
        await office.conversations.mark(ORDER, "boris", "x" * (MAX_LABEL + 1))
    assert (await office.conversations.mark(ORDER, "boris", "x" * MAX_LABEL)).label == "x" * MAX_LABEL


async def test_a_name_from_a_foreign_token_spoils_nothing() -> None:
    office = Office()
    stranger = Author("aa", "a\0\nb\ud800" + "c" * 500, AuthorRole.STAFF)
    message = await office.conversations.say(ORDER, stranger, "x")
    marker = await office.conversations.mark(ORDER, stranger.name, "x")
    assert message.author_name == marker.author_name == ("a b" + "c" * 500)[:MAX_NAME]


async def test_an_order_keeps_only_so_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "MAX_MESSAGES", 2)
    monkeypatch.setattr(conversation, "MAX_MARKERS", 1)
    office = Office()
    said = [await office.conversations.say(ORDER, ANNA, f"{n}") for n in range(2)]
    marked = [await office.conversations.mark(ORDER, "boris", "x")]
    with pytest.raises(ConversationFull, match="2 messages"):
        await office.conversations.say(ORDER, ANNA, "one too many")
    with pytest.raises(ConversationFull, match="1 markers"):
        await office.conversations.mark(ORDER, "boris", "one too many")
    assert await office.conversations.history(ORDER) == said
    assert await office.conversations.markers(ORDER) == marked
