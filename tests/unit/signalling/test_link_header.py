"""Link fields in the form that OBS and the browsers' clients parse."""

from __future__ import annotations

from gateway.signalling.ice_servers import IceServer
from gateway.signalling.link_header import extension_link, ice_server_links


def test_one_field_a_server_in_the_order_clients_expect() -> None:
    links = ice_server_links(
        [
            IceServer("stun:s.example.com:3478"),
            IceServer("turn:t.example.com?transport=udp", "5:anna", "c/+="),
        ]
    )
    assert links == [
        '<stun:s.example.com:3478>; rel="ice-server"',
        '<turn:t.example.com?transport=udp>; rel="ice-server"; username="5:anna"; credential="c/+="; '
        'credential-type="password"',
    ]


def test_no_field_holds_a_comma_that_obs_would_split_at() -> None:
    assert not any("," in link for link in ice_server_links([IceServer("turn:t", "5:anna", "abc")]))


def test_quotes_and_backslashes_are_escaped() -> None:
    (link,) = ice_server_links([IceServer("turn:t", 'a"b', "c\\d")])
    assert r'username="a\"b"; credential="c\\d"' in link


def test_an_extension_is_one_field_with_rel_first() -> None:
    link = extension_link("/a/b", "urn:x", events="active,layers")
    assert link == '</a/b>; rel="urn:x"; events="active,layers"'
    assert extension_link("/a/b", "urn:x") == '</a/b>; rel="urn:x"'
