"""Layers in the extension's words: what is on offer, and what a request means."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.errors import UnknownLayer
from gateway.protocol.sdp import PlayPolicy, negotiate_play, parse
from gateway.sfu.state import LayerState
from gateway.signalling.layer_selection import (
    LayerWish,
    early_layers_document,
    layers_document,
    read_wish,
    resolve,
    video_line,
)
from tests.signalling_rig import LAYERS, PLAY_OFFER

SESSION = negotiate_play(parse(PLAY_OFFER), PlayPolicy())
AUDIO_ONLY = replace(SESSION, media=(SESSION.media[0], replace(SESSION.media[1], rejected=True, codecs=())))
ONE = LayerState("", 1920, 1080, 30.0, 3_000_000, True)


def test_the_m_line_is_counted_with_those_that_carry_nothing() -> None:
    assert video_line(SESSION) == 1
    assert video_line(replace(SESSION, media=(SESSION.media[1],))) == 0
    assert video_line(AUDIO_ONLY) is None


def test_the_best_layer_is_first_whatever_the_rids_say() -> None:
    obs = [LayerState(rid, width, width * 9 // 16, 30.0, 1, True) for rid, width in (("0", 1280), ("1", 640))]
    for layers in (obs, obs[::-1]):
        assert [layer["rid"] for layer in layers_document(0, layers)["0"]] == ["0", "1"]


def test_layers_of_unknown_size_are_ordered_by_bitrate_and_show_no_size() -> None:
    layers = [LayerState(rid, 0, 0, 30.0, rate, True) for rid, rate in (("a", 10), ("b", 20))]
    first, second = layers_document(1, layers)["1"]
    assert first == {"rid": "b", "encodingId": "b", "bitrate": 20}
    assert second["rid"] == "a"


@pytest.mark.parametrize("silent", [replace(LAYERS[0], live=False), replace(LAYERS[0], bitrate=0)])
def test_a_layer_without_bitrate_is_an_inactive_one(silent: LayerState) -> None:
    (layer,) = layers_document(1, [silent])["1"]
    assert "bitrate" not in layer
    assert [x["id"] for x in early_layers_document(1, [silent])["1"]["inactive"]] == ["l"]


def test_without_simulcast_the_layer_has_the_name_that_the_draft_requires() -> None:
    assert layers_document(1, [ONE])["1"] == [
        {"spatialLayerId": 0, "width": 1920, "height": 1080, "bitrate": 3_000_000}
    ]
    assert early_layers_document(1, [ONE])["1"]["layers"][0]["encodingId"] == ""


def test_a_session_without_video_has_no_m_line_to_speak_of() -> None:
    assert layers_document(None, LAYERS) == {}
    assert early_layers_document(None, LAYERS) == {}
    with pytest.raises(UnknownLayer):
        resolve(LayerWish(), AUDIO_ONLY, LAYERS)


def test_a_layer_can_be_asked_for_as_it_was_announced() -> None:
    for layer in layers_document(1, LAYERS)["1"]:
        assert resolve(read_wish(layer), SESSION, LAYERS) == (layer["rid"], None)
    for layer in early_layers_document(1, LAYERS)["1"]["layers"]:
        assert resolve(read_wish(layer), SESSION, LAYERS) == (layer["encodingId"], None)
    (layer,) = layers_document(1, [ONE])["1"]
    assert resolve(read_wish(layer), SESSION, [ONE]) == (None, None)


def test_rid_outweighs_its_early_name() -> None:
    assert read_wish({"rid": "h", "encodingId": "l"}).rid == "h"
    assert read_wish({"rid": None, "encodingId": "l"}).rid == "l"
    assert read_wish({"rid": "", "encodingId": "l"}).rid is None


@pytest.mark.parametrize(
    ("width", "height"),
    [(1280, 720), (1279, 360), (640, 360), (639, 180), (320, 180), (319, 1), (9_999, 720)],
)
def test_a_width_is_the_height_of_the_widest_layer_within(width: int, height: int) -> None:
    assert resolve(LayerWish(max_width=width), SESSION, LAYERS) == (None, height)


def test_before_sizes_are_known_a_picture_is_taken_for_16_to_9() -> None:
    unknown = [replace(layer, width=0, height=0) for layer in LAYERS]
    assert resolve(LayerWish(max_width=640), SESSION, unknown) == (None, 360)
    assert resolve(LayerWish(max_width=1), SESSION, ()) == (None, 1)


def test_an_upright_picture_is_limited_by_its_own_shape() -> None:
    upright = [replace(layer, width=layer.height, height=layer.width) for layer in LAYERS]
    assert resolve(LayerWish(max_width=360), SESSION, upright) == (None, 640)


def test_the_refusal_names_what_is_on_offer() -> None:
    with pytest.raises(UnknownLayer, match="on offer: l, h, f"):
        resolve(LayerWish(rid="x"), SESSION, LAYERS)
    with pytest.raises(UnknownLayer, match="only one layer"):
        resolve(LayerWish(rid="x"), SESSION, [ONE])
