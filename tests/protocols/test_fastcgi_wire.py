"""FastCGI headers and name-value pairs, without a connection."""

import pytest

from gwtop.protocols import _fastcgi_wire as wire
from tests.protocols.samples_fastcgi import (
    ABORT,
    GET_VALUES,
    PARAMS,
    STDIN,
    STDOUT,
    UNKNOWN_TYPE,
    begin,
    end,
    pair,
    record,
    request,
    variables,
)


@pytest.mark.parametrize(
    ("data", "from_client", "known", "verdict"),
    [
        (begin(), True, (), True),
        (begin()[:15], True, (), None),
        (begin(role=0), True, (), False),
        (record(1, 1, b"\0\1\2\0\0\0\0\0"), True, (), False),
        (record(1, 1, b"\0\1\1" + b" " * 5), True, (), True),
        (record(1, 1, b"\0\1\1" + b"x" * 5), True, (), False),
        (record(1, 1, b"\0\1"), True, (), False),
        (end(), False, (1,), True),
        (end()[:9], False, (1,), None),
        (end(protocol_status=4), False, (1,), False),
        (record(STDIN, 3, b"x"), True, (3,), True),
        (record(STDIN, 3, b"x"), True, (), False),
        (record(STDIN, 3, b"x"), True, None, True),
        (record(STDIN, 3, b"x"), False, None, False),
        (record(STDOUT, 1, b"x", 8), False, None, False),
        (record(STDOUT, 1, b"", 3), False, None, False),
        (record(STDOUT, 1, b"x", 7), False, None, True),
        (record(ABORT, 1, b"x"), True, None, False),
        (record(GET_VALUES, 0), True, (), True),
        (record(GET_VALUES, 1), True, (), False),
        (record(PARAMS, 0), True, None, False),
        (record(UNKNOWN_TYPE, 0, b"x" * 8), False, (), True),
        (b"\1", True, (), None),
        (b"\1\6", True, (), False),
        (b"\2", True, (), False),
        (b"\1\4\0\1\0\0\0\1", True, None, False),
    ],
)
def test_a_record_may_begin_only_where_all_of_it_fits(
    data: bytes, from_client: bool, known: tuple[int, ...] | None, verdict: bool | None
) -> None:
    assert wire.plausible(data, 0, from_client, known) is verdict


def test_every_prefix_of_a_plausible_header_asks_for_more() -> None:
    for data, from_client in ((begin(), True), (end(), False)):
        for size in range(1, 16):
            assert wire.plausible(data[:size], 0, from_client, None) is None


@pytest.mark.parametrize(
    ("kind", "stream", "tolerable"),
    [(STDIN, 1, True), (STDIN, 0, False), (GET_VALUES, 0, True), (STDOUT, 1, False), (99, 0, True)],
)
def test_a_header_in_step_is_judged_mildly(kind: int, stream: int, tolerable: bool) -> None:
    assert wire.tolerable(1, kind, stream, wire.FROM_CLIENT) == tolerable
    assert not wire.tolerable(2, kind, stream, wire.FROM_CLIENT)


def test_pairs_are_read_with_short_and_long_lengths() -> None:
    given = [(b"a", b""), (b"n" * 128, b"v"), (b"b", b"w" * 200), (b"n" * 127, b"x" * 127)]
    block = b"".join(pair(*each) for each in given)
    assert wire.pairs(block)[0] == given
    assert wire.variables(block) == (dict(given), 4, len(block))


def test_a_cut_block_gives_its_whole_pairs_and_never_raises() -> None:
    given = [(b"a", b"1"), (b"n" * 128, b"v" * 300), (b"b", b"w" * 200)]
    block = b"".join(pair(*each) for each in given)
    ends = wire.pairs(block)[1]
    for size in range(len(block) + 1):
        n_whole = sum(each <= size for each in ends)
        assert wire.pairs(block[:size]) == (given[:n_whole], ends[:n_whole])
        found, n_pairs, end_of_last = wire.variables(block[:size])
        assert (found, n_pairs) == (dict(given[:n_whole]), n_whole)
        assert end_of_last == ([0, *ends])[n_whole]


def test_of_two_variables_with_one_name_the_later_counts() -> None:
    block = pair(b"a", b"1") + pair(b"a", b"2")
    assert wire.variables(block) == ({b"a": b"2"}, 2, len(block))


@pytest.mark.parametrize("padding", [0, 5])
@pytest.mark.parametrize("keep", [True, False])
def test_the_usual_request_is_known(keep: bool, padding: int) -> None:
    params = variables(b"GET", b"/" * 300)
    data = request(params, keep=keep, padding=padding)
    assert data.startswith(wire.USUAL_BEGIN)
    assert wire.usual_request(data) == (params, keep)


@pytest.mark.parametrize(
    "data",
    [
        request(variables())[:-1],
        request(variables()) + b"\1",
        request(variables(), b"body"),
        request(b""),
        begin(role=2) + request(variables())[16:],
        begin() + record(STDIN, 1) * 3,
    ],
)
def test_anything_else_is_left_to_the_record_loop(data: bytes) -> None:
    assert wire.usual_request(data) is None
