"""How connections end, what is remembered of them, and how many live at once."""

from gwtop.nouns.times import SECOND_NS
from gwtop.nouns.wire import Closed, Opened
from gwtop.wire.tcp import MAX_PAST, Reassembler
from tests.wire._talk import (
    ACK,
    FIN,
    OPENED,
    PSH,
    RST,
    C,
    S,
    Talk,
    brief,
    closing,
    told,
)

# -- ends --------------------------------------------------------------------------------------


def test_a_half_closed_connection_goes_on_the_other_way() -> None:
    talk = Talk()
    said = [*talk.opening(), talk.fin(C, 0), talk.say(S, 0, b"late", 1), talk.fin(S, 4, 1)]
    assert told(*said) == [OPENED, (1, C, "fin"), (1, S, b"late"), (1, S, "fin")]


def test_a_fin_ahead_of_missing_bytes_waits_for_them() -> None:
    talk = Talk()
    said = [*talk.opening(), talk.fin(C, 3, data=b"def"), talk.say(C, 0, b"abc")]
    assert told(*said) == [OPENED, (1, C, b"abc"), (1, C, b"def"), (1, C, "fin")]


def test_nothing_counts_behind_a_fin() -> None:
    talk = Talk()
    said = [*talk.opening(), talk.say(C, 5, b"zzz"), talk.fin(C, 6), talk.say(C, 0, b"abcdefgh")]
    assert told(*said, talk.say(C, 7, b"more")) == [
        OPENED,
        (1, C, b"abcde"),
        (1, C, b"z"),
        (1, C, "fin"),
    ]


def test_the_hole_before_a_fin_is_exact() -> None:
    talk = Talk()
    said = [*talk.opening(), talk.fin(S, 10), talk.fin(C, 0, 11)]
    assert told(*said) == [OPENED, (1, S, 10), (1, S, "fin"), (1, C, "fin")]


def test_a_fin_that_was_not_seen_is_no_lost_byte() -> None:
    talk = Talk()
    said = [*talk.opening(), talk.say(S, 0, b"all"), talk.fin(C, 0, 4)]
    assert told(*said) == [OPENED, (1, S, b"all"), (1, S, "fin"), (1, C, "fin")]


def test_bytes_lost_before_the_other_side_closes_are_exact_whatever_comes() -> None:
    talk = Talk()
    lost = [*talk.opening(), talk.fin(C, 0, 10)]
    assert told(*lost, talk.fin(S, 10, 1)) == [
        OPENED,
        (1, S, 9),
        (1, C, "fin"),
        (1, S, 1),
        (1, S, "fin"),
    ]
    assert told(*lost, lost[-1], talk.fin(S, 10, 1)) == told(*lost, talk.fin(S, 10, 1))
    assert told(*lost, lost[-1], talk.fin(S, 9, 1)) == [
        OPENED,
        (1, S, 9),
        (1, C, "fin"),
        (1, S, "fin"),
    ]
    reassembler = Reassembler()
    reassembler.feed_all(lost)
    assert brief(reassembler.finish(99)) == [(1, S, "fin")]


def test_a_reset_ends_it_after_what_waited() -> None:
    talk = Talk()
    said = [*talk.opening(), talk.say(C, 2, b"cd"), talk.rst(S, 0)]
    assert told(*said) == [OPENED, (1, C, 2), (1, C, b"cd"), (1, S, "rst")]


def test_a_refused_connection_is_reset_by_the_server() -> None:
    talk = Talk()
    refusal = talk.raw(S, 0, talk.isns[C] + 1, RST | ACK)
    assert told(talk.syn(), refusal) == [OPENED, (1, S, "rst")]


def test_a_reset_from_nowhere_near_is_not_believed() -> None:
    talk = Talk()
    far = talk.rst(S, 1 << 26)
    said = [*talk.opening(), talk.say(S, 0, b"ab"), far, talk.say(S, 2, b"cd")]
    assert told(*said) == [OPENED, (1, S, b"ab"), (1, S, b"cd")]


def test_a_reset_s_own_ack_makes_it_believed_and_proves_a_hole() -> None:
    talk = Talk()
    far = talk.say(S, 1 << 26, b"", 3, RST | ACK)
    assert told(*talk.opening(), talk.say(C, 0, b"ask"), far)[-1] == (1, S, "rst")
    near = talk.say(S, 0, b"", 5, RST | ACK)
    assert told(*talk.opening(), near) == [OPENED, (1, C, 5), (1, S, "rst")]


def test_finish_ends_every_live_connection_and_leaves_none() -> None:
    reassembler = Reassembler()
    for n in range(3):
        reassembler.feed_all(Talk(40000 + n).opening())
    assert brief(reassembler.finish(9)) == [(n, C, "end") for n in (1, 2, 3)]
    assert reassembler.n_live == 0


# -- the past ----------------------------------------------------------------------------------


def test_late_retransmissions_open_no_ghosts() -> None:
    talk = Talk()
    said = [*talk.opening(), talk.say(C, 0, b"ask"), talk.say(S, 0, b"tell", 3)]
    said += closing(talk, 3, 4)
    strays = [*said, talk.fin(S, 2, 3, b"ll")]
    assert told(*said, *strays) == told(*said)


def test_bytes_in_flight_behind_a_reset_open_no_ghosts() -> None:
    talk = Talk()
    said = [*talk.opening(), talk.say(C, 0, b"ask"), talk.rst(S, 0)]
    assert told(*said, talk.say(C, 3, b"more"), talk.say(C, 7, b"more")) == told(*said)


def test_the_answer_to_a_syn_that_was_taken_back_opens_no_ghost() -> None:
    talk = Talk()
    said = [talk.syn(), talk.raw(C, talk.isns[C] + 1, 0, RST)]
    strays = [talk.syn_ack(), talk.say(S, 0, b"hello", 0)]
    assert told(*said, *strays) == [OPENED, (1, C, "rst")]


def test_new_bytes_on_a_past_4_tuple_are_a_connection_whose_syn_was_lost() -> None:
    talk = Talk()
    said = [*talk.opening(), *closing(talk, 0, 0)]
    again = Talk(isns=(9_000_000, 9_500_000))
    assert told(*said, again.say(C, 0, b"ask"))[-2:] == [("opened", 2, False), (2, C, b"ask")]


def test_the_past_is_forgotten_by_trace_time() -> None:
    talk = Talk()
    said = [*talk.opening(), *closing(talk, 3, 0)]
    stray = talk.say(C, 0, b"ask")
    assert len(told(*said, stray._replace(at=said[-1].at + 60 * SECOND_NS))) == 5
    assert told(*said, stray._replace(at=said[-1].at + 61 * SECOND_NS))[-1] == (2, C, b"ask")


def test_the_past_is_bounded_by_count() -> None:
    reassembler = Reassembler()
    first = Talk(1)
    reassembler.feed_all([*first.opening(), *closing(first, 3, 0)])
    for n in range(MAX_PAST):
        talk = Talk(2 + n)
        reassembler.feed_all([*talk.opening(), *closing(talk, 3, 0)])
    last = talk.say(C, 0, b"x")
    assert reassembler.feed(last) == []
    assert len(reassembler.feed(first.say(C, 0, b"x"))) == 2


def test_a_syn_with_another_isn_is_another_connection() -> None:
    talk, again = Talk(), Talk(isns=(900_000, 950_000))
    said = [*talk.opening(), talk.say(C, 2, b"cd"), *again.opening(), again.say(C, 0, b"new")]
    assert told(*said) == [
        OPENED,
        (1, C, 2),
        (1, C, b"cd"),
        (1, C, "reused"),
        ("opened", 2, True),
        (2, C, b"new"),
    ]


def test_a_syn_ack_with_another_isn_is_another_connection() -> None:
    talk, again = Talk(), Talk(isns=(900_000, 950_000))
    said = [*talk.opening(), talk.say(S, 0, b"x"), again.syn_ack(), again.say(C, 0, b"new")]
    assert told(*said)[2:] == [(1, S, "reused"), ("opened", 2, True), (2, C, b"new")]


def test_a_4_tuple_that_changes_its_roles_is_another_connection() -> None:
    talk = Talk()
    turned = Talk(9000, 40000, hosts=(2, 1), isns=(70_000, 80_000))
    said = [*talk.opening(), talk.say(S, 0, b"x"), turned.syn(), turned.say(C, 0, b"new")]
    reassembler = Reassembler((9000,))
    lines = reassembler.feed_all(said)
    assert brief(lines)[2:] == [(1, S, "reused"), ("opened", 2, True), (2, C, b"new")]
    assert [line.server for line in lines if isinstance(line, Opened)][1] == "10.0.0.1:40000"


def test_a_socket_connected_to_itself_harms_nobody() -> None:
    talk = Talk(7, 7, hosts=(1, 1))
    reassembler = Reassembler(max_connections=1)
    reassembler.feed_all([talk.syn(), talk.syn_ack(), talk.say(C, 0, b"me")])
    assert len(reassembler.finish(9)) == 1
    assert reassembler.n_live == 0


# -- the cap -----------------------------------------------------------------------------------


def test_beyond_the_cap_the_one_that_is_idle_longest_is_dropped_and_counted() -> None:
    reassembler = Reassembler(max_connections=3)
    talks = [Talk(40000 + n) for n in range(6)]
    at = 0
    lines = []
    for n, talk in enumerate(talks):
        talk.at = at
        lines += reassembler.feed_all(talk.opening())
        at = talk.at
        if n == 2:  # the first one speaks once more
            talks[0].at = at
            lines += reassembler.feed(talks[0].say(C, 0, b"here"))
            at = talks[0].at
    ends = [line.conn for line in lines if isinstance(line, Closed) and line.how == "end"]
    assert ends == [2, 3, 1]
    assert (reassembler.n_live, reassembler.n_dropped, reassembler.n_opened) == (3, 3, 6)


def test_flags_without_meaning_here_do_not_matter() -> None:
    talk = Talk()
    urgent_ece = PSH | ACK | 0x20 | 0x40
    said = [*talk.opening(), talk.say(C, 0, b"ab", flags=urgent_ece), talk.say(C, 2, b"c", flags=0)]
    assert told(*said, talk.say(C, 3, b"d", flags=FIN)) == [
        OPENED,
        (1, C, b"ab"),
        (1, C, b"c"),
        (1, C, b"d"),
        (1, C, "fin"),
    ]
