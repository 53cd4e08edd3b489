"""Segments to connections: each rule of the module's docstring, written as what is said."""

import pytest

from gwtop.nouns.wire import Chunk, Closed, Lost, Opened, Segment, Side
from gwtop.wire.tcp import Reassembler
from tests.wire._talk import (
    ACK,
    JOINED,
    OPENED,
    RST,
    SYN,
    C,
    S,
    Talk,
    brief,
    closing,
    told,
)


def test_a_whole_connection_is_told_with_its_times() -> None:
    talk = Talk()
    reassembler = Reassembler()
    said = [*talk.opening(), talk.say(C, 0, b"ask"), talk.say(S, 0, b"tell", 3)]
    assert reassembler.feed_all([*said, *closing(talk, 3, 4)]) == [
        Opened(1, 1, "10.0.0.1:40000", "10.0.0.2:9000", True),
        Chunk(3, 1, C, b"ask"),
        Chunk(4, 1, S, b"tell"),
        Closed(5, 1, S, "fin"),
        Closed(6, 1, C, "fin"),
    ]
    assert reassembler.n_live == 0
    assert reassembler.finish(7) == []


def test_ipv6_endpoints_stand_in_brackets() -> None:
    flow = bytes(15) + b"\x01" + bytes(15) + b"\x01" + b"\xc0\x00" + b"\x23\x28"
    [opened] = Reassembler().feed(Segment(1, flow, 7, 0, SYN, b"", 0))
    assert opened == Opened(1, 1, "[::1]:49152", "[::1]:9000", True)


def test_ids_count_from_one_and_are_never_reused() -> None:
    reassembler = Reassembler()
    for n in range(1, 6):
        talk = Talk(isns=(1000 * n, 5000 * n))
        lines = brief(reassembler.feed_all([*talk.opening(), *closing(talk, 0, 0)]))
        assert lines == [("opened", n, True), (n, S, "fin"), (n, C, "fin")]


# -- repetition and order ----------------------------------------------------------------------


def test_every_packet_twice_is_told_once() -> None:
    talk = Talk()
    said = [*talk.opening(), talk.say(C, 0, b"ask"), talk.say(S, 0, b"tell", 3)]
    said += closing(talk, 3, 4)
    assert told(*(segment for one in said for segment in (one, one))) == told(*said)


def test_a_retransmission_and_a_partial_overlap_bring_only_what_is_new() -> None:
    talk = Talk()
    lines = told(
        *talk.opening(),
        talk.say(C, 0, b"abcdef"),
        talk.say(C, 0, b"abcdef"),
        talk.say(C, 2, b"CDEFgh"),
        talk.say(C, 0, b"ABCDEFGHij"),
    )
    assert lines == [OPENED, (1, C, b"abcdef"), (1, C, b"gh"), (1, C, b"ij")]


def test_bytes_seen_first_win_among_those_that_wait() -> None:
    talk = Talk()
    lines = told(
        *talk.opening(),
        talk.say(C, 4, b"ef"),
        talk.say(C, 8, b"ij"),
        talk.say(C, 3, b"DEFGHIJK"),
        talk.say(C, 0, b"abcd"),
    )
    assert b"".join(line[2] for line in lines[1:]) == b"abcDefGHijK"  # type: ignore[misc]


def test_reordered_bytes_wait_and_keep_their_own_time_but_never_run_backwards() -> None:
    talk = Talk()
    late = talk.opening()
    second, first = talk.say(C, 3, b"def"), talk.say(C, 0, b"abc")
    lines = Reassembler().feed_all([*late, second, first])
    assert lines[1:] == [Chunk(4, 1, C, b"abc"), Chunk(4, 1, C, b"def")]
    skipped = Reassembler().feed_all([*late, second, talk.say(S, 0, b"x", 6)])
    assert skipped[1:] == [Lost(3, 1, C, 3, False), Chunk(3, 1, C, b"def"), Chunk(5, 1, S, b"x")]


def test_sequence_numbers_wrap() -> None:
    talk = Talk(isns=(0xFFFFFFFC, 0xFFFFFFFF))
    lines = told(
        *talk.opening(),
        talk.say(C, 3, b"defg"),
        talk.say(C, 0, b"abc"),
        talk.say(S, 0, b"x", 7),
        talk.say(C, 9, b"jk", 1),
        talk.say(S, 1, b"y", 11),
        *closing(talk, 11, 2),
    )
    assert lines == [
        OPENED,
        (1, C, b"abc"),
        (1, C, b"defg"),
        (1, S, b"x"),
        (1, C, 2),
        (1, C, b"jk"),
        (1, S, b"y"),
        (1, S, "fin"),
        (1, C, "fin"),
    ]


def test_probes_below_the_window_bring_nothing() -> None:
    talk = Talk()
    lines = told(
        *talk.opening(),
        talk.say(C, 0, b"abc"),
        talk.say(C, 2, b"\0", flags=ACK),  # keep-alive with its garbage byte
        talk.say(C, 3, b"d", flags=ACK),  # zero-window probe: a new byte
        talk.say(C, 3, b"def"),
    )
    assert lines == [OPENED, (1, C, b"abc"), (1, C, b"d"), (1, C, b"ef")]


# -- holes -------------------------------------------------------------------------------------


def test_a_hole_is_lost_exactly_when_the_other_side_has_acknowledged_it() -> None:
    talk = Talk()
    reassembler = Reassembler()
    before = [*talk.opening(), talk.say(C, 0, b"ab"), talk.say(C, 5, b"fg")]
    assert brief(reassembler.feed_all(before)) == [OPENED, (1, C, b"ab")]
    assert brief(reassembler.feed(talk.say(S, 0, b"x", 2))) == [(1, S, b"x")]
    assert brief(reassembler.feed(talk.say(S, 1, b"y", 4))) == [(1, C, 2), (1, S, b"y")]
    assert brief(reassembler.feed(talk.say(S, 2, b"z", 7))) == [
        (1, C, 1),
        (1, C, b"fg"),
        (1, S, b"z"),
    ]


def test_what_is_lost_at_the_end_of_the_stream_is_told_with_the_ack() -> None:
    talk = Talk()
    lines = told(*talk.opening(), talk.say(S, 0, b"answer", 300), talk.say(C, 300, b"next", 6))
    assert lines == [OPENED, (1, C, 300), (1, S, b"answer"), (1, C, b"next")]


def test_bytes_that_come_after_they_were_lost_are_ignored() -> None:
    talk = Talk()
    said = [*talk.opening(), talk.say(S, 0, b"x", 3), talk.say(C, 0, b"abc"), talk.say(C, 3, b"d")]
    assert told(*said) == [OPENED, (1, C, 3), (1, S, b"x"), (1, C, b"d")]


def test_an_absurd_ack_proves_nothing() -> None:
    talk = Talk()
    said = [*talk.opening(), talk.say(S, 0, b"x", (1 << 30) + 1), talk.say(C, 0, b"abc")]
    assert told(*said) == [OPENED, (1, S, b"x"), (1, C, b"abc")]


def test_more_than_256_kib_behind_a_hole_end_the_wait() -> None:
    talk = Talk()
    reassembler = Reassembler()
    reassembler.feed_all(talk.opening())
    kib = bytes(1024)
    for n in range(256):
        assert reassembler.feed(talk.say(C, 10 + n * 1024, kib)) == []
    lines = brief(reassembler.feed(talk.say(C, 10 + 256 * 1024, b"!")))
    assert lines == [(1, C, 10), *[(1, C, kib)] * 256, (1, C, b"!")]


def test_tiny_pieces_behind_a_hole_are_bounded_by_their_number() -> None:
    talk = Talk()
    reassembler = Reassembler()
    reassembler.feed_all(talk.opening())
    n_told = 0
    for n in range(10_000):
        n_told += len(reassembler.feed(talk.say(C, 1 + 2 * n, b"x")))
    assert n_told > 2 * (10_000 - 5_000)


def test_what_snaplen_cut_is_lost_where_it_stood() -> None:
    talk = Talk()
    lines = told(
        *talk.opening(),
        talk.say(C, 0, b"ab", cut_bytes=8),
        talk.say(C, 20, b"uv", cut_bytes=3),
        talk.say(C, 10, b"", cut_bytes=10),
        talk.say(C, 0, b"ab", cut_bytes=8),
        talk.fin(C, 25),
    )
    assert lines[1:] == [
        (1, C, b"ab"),
        (1, C, 8),
        (1, C, 10),
        (1, C, b"uv"),
        (1, C, 3),
        (1, C, "fin"),
    ]


def test_what_still_waits_at_the_end_is_told_behind_its_hole() -> None:
    talk = Talk()
    reassembler = Reassembler()
    reassembler.feed_all([*talk.opening(), talk.say(C, 5, b"fg"), talk.fin(S, 4)])
    assert reassembler.finish(99) == [
        Lost(3, 1, C, 5, False),
        Chunk(3, 1, C, b"fg"),
        Lost(4, 1, S, 4, False),
        Closed(4, 1, S, "fin"),
        Closed(99, 1, C, "end"),
    ]


# -- beginnings --------------------------------------------------------------------------------


def test_a_syn_ack_first_is_the_start_and_a_late_syn_is_no_other_connection() -> None:
    talk = Talk()
    syn, syn_ack = talk.opening()
    lines = told(syn_ack, syn, talk.say(C, 0, b"ask"), talk.say(S, 0, b"x", 3), ports=())
    assert lines == [OPENED, (1, C, b"ask"), (1, S, b"x")]


def test_a_lost_syn_ack_costs_nothing() -> None:
    talk = Talk()
    lines = told(
        talk.syn(), talk.say(C, 0, b"ask"), talk.say(S, 2, b"x", 3), talk.say(C, 3, b"", 3)
    )
    assert lines == [OPENED, (1, C, b"ask"), (1, S, 2), (1, S, b"x")]


def test_a_syn_that_comes_after_the_first_bytes_is_no_other_connection() -> None:
    talk = Talk()
    assert told(talk.say(C, 0, b"ask"), *talk.opening(), talk.say(C, 3, b"!")) == [
        JOINED,
        (1, C, b"ask"),
        (1, C, b"!"),
    ]


def test_data_on_a_syn_is_the_stream_s_beginning() -> None:
    talk = Talk()
    said = [talk.syn(data=b"fast"), talk.syn_ack(), talk.say(C, 0, b"fast open")]
    assert told(*said) == [OPENED, (1, C, b"fast"), (1, C, b" open")]


def test_two_syns_at_once_are_one_connection() -> None:
    talk = Talk()
    assert told(talk.syn(), talk.syn(S), talk.say(S, 0, b"x")) == [OPENED, (1, S, b"x")]


def test_a_server_that_forgot_its_first_answer_starts_anew() -> None:
    talk = Talk()
    first = talk.opening()
    talk.isns[S] = 77_000
    assert told(*first, talk.syn_ack(), talk.say(S, 0, b"x")) == [OPENED, (1, S, b"x")]


def test_another_answer_behind_bytes_that_wait_is_another_connection() -> None:
    # What waited stood behind the new first byte and was waited for in an endless loop.
    talk = Talk()
    first = [*talk.opening(), talk.say(S, 10, b"tell", 0)]
    talk.isns[S] = 77_000
    assert told(*first, talk.syn_ack(), talk.fin(S, 1)) == [
        OPENED,
        (1, S, 10),
        (1, S, b"tell"),
        (1, S, "reused"),
        ("opened", 2, True),
    ]


def test_a_connection_that_was_there_before_begins_with_its_first_bytes() -> None:
    talk = Talk()
    said = [
        talk.say(C, 500, b"ask", 700),
        talk.say(S, 700, b"tell", 503),
        talk.say(C, 503, b"!", 704),
    ]
    assert told(*said) == [JOINED, (1, C, b"ask"), (1, S, b"tell"), (1, C, b"!")]


def test_the_first_ack_of_a_joined_connection_fixes_where_the_other_side_stands() -> None:
    talk = Talk()
    said = [
        talk.say(C, 500, b"ask", 700),
        talk.say(S, 710, b"tell", 503),
        talk.say(C, 503, b"!", 714),
    ]
    assert told(*said) == [JOINED, (1, C, b"ask"), (1, S, 10), (1, S, b"tell"), (1, C, b"!")]


@pytest.mark.parametrize(
    "segment",
    [
        pytest.param(Talk().fin(C, 5), id="fin"),
        pytest.param(Talk().rst(C, 5), id="rst"),
        pytest.param(Talk().say(C, 5, b"sorry", flags=RST | ACK), id="rst with a text"),
        pytest.param(Talk().say(C, 5, b"", flags=ACK), id="ack"),
    ],
)
def test_without_bytes_nothing_is_joined(segment: Segment) -> None:
    assert told(segment) == []


# -- who is the server -------------------------------------------------------------------------


def sides(segment: Segment, reassembler: Reassembler) -> tuple[str, str]:
    opened = reassembler.feed(segment)[0]
    assert isinstance(opened, Opened)
    return opened.client, opened.server


FORTH, BACK = ("10.0.0.1:100", "10.0.0.2:200"), ("10.0.0.2:200", "10.0.0.1:100")


@pytest.mark.parametrize("side", [C, S])
def test_the_hinted_port_serves(side: Side) -> None:
    assert sides(Talk(100, 200).say(side, 5, b"x"), Reassembler((200,))) == FORTH
    assert sides(Talk(100, 200).say(side, 5, b"x"), Reassembler((100,))) == BACK


@pytest.mark.parametrize("side", [C, S])
def test_the_hinted_host_serves_where_ports_do_not_say(side: Side) -> None:
    talk = Talk(100, 200)
    assert sides(talk.say(side, 5, b"x"), Reassembler((), "10.0.0.2")) == FORTH
    assert sides(talk.say(side, 5, b"x"), Reassembler((200, 100), "10.0.0.1")) == BACK


@pytest.mark.parametrize("side", [C, S])
def test_who_was_seen_to_accept_serves(side: Side) -> None:
    reassembler = Reassembler()
    reassembler.feed(Talk(99, 200).syn())
    assert sides(Talk(100, 200).say(side, 5, b"x"), reassembler) == FORTH


@pytest.mark.parametrize("side", [C, S])
def test_else_the_lower_port_serves(side: Side) -> None:
    assert sides(Talk(100, 200).say(side, 5, b"x"), Reassembler()) == BACK


def test_with_equal_ports_the_first_to_speak_is_the_client() -> None:
    client, _ = sides(Talk(200, 200).say(S, 5, b"x"), Reassembler())
    assert client == "10.0.0.2:200"


def test_a_cut_segment_in_order_is_followed_by_its_loss() -> None:
    talk = Talk()
    said = [*talk.opening(), talk.say(C, 0, b"ab", cut_bytes=8), talk.say(C, 10, b"k")]
    assert told(*said) == [OPENED, (1, C, b"ab"), (1, C, 8), (1, C, b"k")]
