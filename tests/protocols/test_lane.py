"""A lane: strays are told and counted, and a message is found again however its bytes come."""

import re

import pytest

from gwtop.nouns.events import Confused, Control, Event, Resynced
from gwtop.nouns.wire import Side
from gwtop.protocols._base import CUT_HEAD, FRAMING
from gwtop.protocols._lane import IN_STEP, SEEKING, SKIPPED, Lane, Sign

SIGN = Sign(re.compile(rb"MSG!"), 3)
LINE = Sign(re.compile(rb"MSG[a-z]*\n"), 20, b"\n")


def lane(side: Side = Side.CLIENT) -> Lane:
    made = Lane(side, True)
    made.seek("after a gap", [])
    return made


@pytest.mark.parametrize(("sign", "data"), [(SIGN, b"junkMSG!rest"), (LINE, b"junk\nMSGx\nrest")])
def test_a_message_is_found_in_whatever_pieces_it_comes(sign: Sign, data: bytes) -> None:
    for cut in range(1, len(data)):
        out: list[Event] = []
        seeker = lane()
        rest = seeker.find(sign, data[:cut], 1, out)
        rest = rest + data[cut:] if rest else seeker.find(sign, data[cut:], 2, out)
        assert rest == data[data.index(b"MSG") :] and seeker.state == IN_STEP
        assert sum(e.n_bytes for e in out if isinstance(e, Confused)) == data.index(b"MSG")
        assert out[-1] == Resynced(Side.CLIENT)
        assert seeker.began_at == (1 if cut > data.index(b"MSG") else 2)


def test_what_is_kept_while_seeking_is_bounded() -> None:
    seeker = lane()
    seeker.find(LINE, b"x" * 5000, 1, [])
    assert seeker.held_bytes() == LINE.tail_bytes


@pytest.mark.parametrize("name", [SKIPPED, CUT_HEAD])
def test_strays_are_controls_where_we_know_what_they_are(name: str) -> None:
    out: list[Event] = []
    stray = Lane(Side.SERVER, True)
    stray.astray = name
    stray.stray(3, out)
    stray.stray(0, out)
    assert out == [Control(0, Side.SERVER, name, 3)]


def test_finish_leaves_nothing_held() -> None:
    out: list[Event] = []
    done = Lane(Side.CLIENT, True)
    done.hold(b"half", 1)
    done.framing_bytes = 7
    done.finish(out)
    assert out == [Control(0, Side.CLIENT, CUT_HEAD, 4), Control(0, Side.CLIENT, FRAMING, 7)]
    assert done.held_bytes() == 0 and lane().state == SEEKING
