"""Bodies as RFC 9112 frames them: by length, in chunks, until the close."""

import pytest

from gwtop.nouns.events import Body, Event, Hole
from gwtop.nouns.wire import Side
from gwtop.protocols._framed import MAX_LINE_BYTES, FramedBody

S = Side.SERVER


def data_of(events: list[Event]) -> bytes:
    return b"".join(e.data for e in events if isinstance(e, Body))


def test_a_length_ends_where_it_says_and_gives_the_rest_back() -> None:
    body, out = FramedBody(), list[Event]()
    body.begin_length(3)
    assert body.take(S, b"ab", out) == b"" and body.missing_bytes == 1
    assert body.take(S, b"cd", out) == b"d" and body.done
    assert data_of(out) == b"abc"


@pytest.mark.parametrize("step", [1, 2, 100])
def test_chunks_are_joined_and_their_framing_counted(step: int) -> None:
    wire = b"3 ;x=y\r\nabc\r\nA\n0123456789\n0\r\nT: u\r\n\r\n"
    body, out = FramedBody(), list[Event]()
    body.begin_chunked()
    for begin in range(0, len(wire), step):
        assert body.take(S, wire[begin : begin + step], out) == b""
    assert body.done and data_of(out) == b"abc0123456789"
    assert body.framing_bytes == len(wire) - 13


@pytest.mark.parametrize(
    "line", [b"xyz\r\n", b"3\r\nabcd\r\n", b"\r\n", b"1" * (MAX_LINE_BYTES + 1)]
)
def test_what_is_no_chunk_is_given_back(line: bytes) -> None:
    body, out = FramedBody(), list[Event]()
    body.begin_chunked()
    rest = body.take(S, line + b"more", out)
    assert body.broken is not None and rest.endswith(b"more")
    assert len(rest) + len(data_of(out)) + body.framing_bytes == len(line) + 4


def test_a_gap_is_body_as_far_as_the_framing_shows_it() -> None:
    body, out = FramedBody(), list[Event]()
    body.begin_length(9)
    assert body.lost(S, 4, out) == 0 and not body.done
    assert body.lost(S, 9, out) == 4 and body.done
    body.begin_chunked()
    assert body.lost(S, 4, out) == 4
    body.take(S, b"5\r\na", [])
    assert body.lost(S, 9, out) == 5 and not body.done
    body.begin_until_close()
    assert body.lost(S, 10**9, out) == 0 and body.until_close
    assert out == [Hole(0, S, n, True) for n in (4, 5, 4, 10**9)]


@pytest.mark.parametrize("n_end", [1, 2])
def test_a_gap_that_takes_a_chunks_end_with_it_costs_only_holes(n_end: int) -> None:
    """One send() of gunicorn's: the size, the data, CRLF; of which the beginning was copied."""
    body, out = FramedBody(), list[Event]()
    body.begin_chunked()
    body.take(S, b"5\r\nab", [])
    assert body.lost(S, 3 + n_end, out) == 0
    assert out == [Hole(0, S, 3, True), Hole(0, S, n_end, False, True)]
    assert body.take(S, b"\r\n"[n_end:] + b"1\r\nx\r\n0\r\n\r\nHTTP", out) == b"HTTP"
    assert body.done and body.broken is None and data_of(out) == b"x"
