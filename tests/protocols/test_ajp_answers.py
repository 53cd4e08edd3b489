"""The container's half of an AJP connection by itself."""

import pytest

from gwtop.nouns.events import Body, Confused, Control, Event, Hole, ResponseEnd, ResponseHead
from gwtop.nouns.wire import Side
from gwtop.protocols._ajp_answers import Answers, Asked
from tests.protocols.samples_ajp import END, GET_BODY, chunk, from_container, send_headers


def reader() -> Answers:
    made = Answers(True)
    made.ask(Asked(b"GET"), [])
    return made


def read(answers: Answers, data: bytes, out: list[Event]) -> None:
    while data:
        data = answers.step(data, 1, out)


def kinds(events: list[Event]) -> list[type]:
    return [type(e) for e in events]


def test_the_nul_behind_a_chunk_is_framing_and_an_empty_chunk_a_flush() -> None:
    out: list[Event] = []
    read(reader(), send_headers(200) + chunk(b"ab") + chunk(b"") + END, out)
    assert kinds(out) == [ResponseHead, Body, Control, ResponseEnd]
    assert out[1] == Body(0, Side.SERVER, b"ab")
    assert out[2] == Control(0, Side.SERVER, "framing", 4 + 8 + 8 + 6)


def test_a_chunk_without_its_nul_is_taken() -> None:
    out: list[Event] = []
    read(reader(), send_headers(200) + from_container(b"\x03\0\x02ab") + END, out)
    assert Body(0, Side.SERVER, b"ab") in out and kinds(out)[-1] is ResponseEnd


@pytest.mark.parametrize("cut", [3, 4, 5])
def test_a_packet_without_payload_has_no_kind_whatever_comes_next(cut: int) -> None:
    answers, out = reader(), list[Event]()
    data = from_container(b"") + b"\x05"  # the kind of END_RESPONSE, behind the packet's end
    read(answers, data[:cut], out)
    read(answers, data[cut:], out)
    assert set(kinds(out)) == {Confused}
    assert sum(e.n_bytes for e in out if isinstance(e, Confused)) + answers.held_bytes() == 5


def test_asking_for_body_is_no_answer() -> None:
    out: list[Event] = []
    read(reader(), GET_BODY, out)
    assert out == [Control(0, Side.SERVER, "GET_BODY_CHUNK", 7)]


@pytest.mark.parametrize("n_lost", [1, 5, 9, 10])
def test_a_gap_in_a_chunk_is_body_and_its_nul_is_framing(n_lost: int) -> None:
    answers, out = reader(), list[Event]()
    data = chunk(b"0123456789")
    read(answers, send_headers(200) + data[:8], out)
    answers.lost(n_lost, out)
    read(answers, data[8 + n_lost :] + END, out)
    holes = [e for e in out if isinstance(e, Hole)]
    assert holes == [Hole(0, Side.SERVER, min(n_lost, 9), True)] and kinds(out)[-1] is ResponseEnd


def test_a_cut_head_keeps_the_status_that_was_seen() -> None:
    answers, out = reader(), list[Event]()
    head = send_headers(404, (b"X", b"y" * 50))
    read(answers, head[:12], out)
    answers.lost(30, out)
    read(answers, head[42:] + END, out)
    assert out[0] == ResponseHead(0, 1, 404, 8, head[4:12])
    assert kinds(out)[-1] is ResponseEnd
