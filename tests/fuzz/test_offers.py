"""Real clients' offers, damaged: each is answered or refused by name, and what is answered can be read."""

from __future__ import annotations

import contextlib
import random
from collections import Counter

import pytest

from gateway.errors import Malformed, Unacceptable
from gateway.protocol.description import Candidate, Fingerprint
from gateway.protocol.dtls import Certificate
from gateway.protocol.ice import new_ice_credentials
from gateway.protocol.peer import PeerConnection
from gateway.protocol.sdp import (
    LocalDescription,
    PlayPolicy,
    PublishPolicy,
    negotiate_play,
    negotiate_publish,
    parse,
    write_answer,
)
from gateway.sfu.publisher import Publisher
from gateway.signalling.opening import sender_streams
from tests.signalling_rig import OFFERS

MUTANTS = 120
_WORDS = ("", "0", "-1", "65536", "99999999999999999999", "é", "\x00", "a=", "%s", "*", "/", ";;;", "x" * 300)
CERTIFICATE = Certificate.generate()
LOCAL = LocalDescription(
    ice=new_ice_credentials(),
    fingerprint=Fingerprint("sha-256", ":".join(["AB"] * 32)),
    candidates=(Candidate("1", 1, "udp", 2_130_706_431, "192.0.2.7", 8189),),
    session_id=1,
)
PUBLISH = PublishPolicy(talk_slots=3)
PLAY = PlayPolicy(video_lines=4, audio_lines=3, talk=True)


def mutant(text: str, dice: random.Random) -> str:
    """The offer after a few accidents."""
    lines = text.splitlines()
    for _ in range(dice.randint(1, 4)):
        place = dice.randrange(len(lines))
        match dice.randrange(7):
            case 0:
                del lines[place]
            case 1:
                lines.insert(place, dice.choice(lines))
            case 2:
                lines[place] = lines[place][: dice.randrange(len(lines[place]) + 1)]
            case 3:
                words = lines[place].split(" ")
                words[dice.randrange(len(words))] = dice.choice(_WORDS)
                lines[place] = " ".join(words)
            case 4:
                head, _, _ = lines[place].partition(":")
                lines[place] = f"{head}:{dice.choice(_WORDS)}"
            case 5:
                other = dice.randrange(len(lines))
                lines[place], lines[other] = lines[other], lines[place]
            case 6:
                lines[place] = lines[place].replace(dice.choice("0123456789abcdef"), dice.choice(_WORDS))
        lines = lines or [""]
    return dice.choice(("\r\n", "\r\n", "\n")).join(lines) + "\r\n"


@pytest.mark.parametrize("path", sorted(OFFERS.rglob("*.sdp")), ids=lambda path: path.stem)
def test_damaged_offers(path: object) -> None:
    text = OFFERS.joinpath(str(path)).read_bytes().decode()
    dice = random.Random(OFFERS.joinpath(str(path)).name)
    outcomes = Counter[str]()
    for _ in range(MUTANTS):
        damaged = mutant(text, dice)
        for play in (False, True):
            with contextlib.suppress(Malformed, Unacceptable):
                offer = parse(damaged)
                if play:
                    negotiated = negotiate_play(offer, PLAY)
                    answer = write_answer(offer, negotiated, LOCAL, sender_streams(negotiated))
                else:
                    negotiated = negotiate_publish(offer, PUBLISH)
                    answer = write_answer(offer, negotiated, LOCAL, sender_streams(negotiated))
                    Publisher(negotiated, lambda _: None, Counter())
                assert answer.startswith("v=0\r\n")
                assert len(parse(answer).media) == len(offer.media)
                PeerConnection(
                    certificate=CERTIFICATE,
                    local_ice=LOCAL.ice,
                    remote_ice=negotiated.remote_ice,
                    dtls_role=negotiated.dtls_role,
                    remote_fingerprints=negotiated.remote_fingerprints,
                    now=0.0,
                    drops=Counter(),
                )
                outcomes["answered"] += 1
    assert 0 < outcomes["answered"] < 2 * MUTANTS
