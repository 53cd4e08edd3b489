"""What is delivered and what is lost, against a model that only knows sets of positions.

Two known byte streams are cut, sent in bursts, doubled, sent again in other pieces, reordered
and dropped. The model marks each position: seen, or proved lost by an ACK before it was seen.
"""

from dataclasses import dataclass

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gwtop.nouns.wire import Chunk, Closed, Lost, Opened, Segment, Side
from gwtop.wire.half import Told
from gwtop.wire.tcp import Reassembler
from tests.wire._talk import C, S, Talk

ISN = st.one_of(st.integers(0, 0xFFFFFFFF), st.integers(0xFFFFFF00, 0xFFFFFFFF))
STREAMS = {
    C: bytes(n * 7 % 251 for n in range(2000)),
    S: bytes(255 - n * 11 % 253 for n in range(2000)),
}


@dataclass
class Sent:
    """A segment by positions; `stop` is one past its last byte."""

    side: Side
    start: int
    stop: int
    acked: int
    is_fin: bool = False


@st.composite
def conversations(draw: st.DrawFn, with_fins: bool = True) -> list[Sent]:
    """Bursts in turns; within a burst pieces in any order, some twice, some again and else cut."""
    sent = {C: 0, S: 0}
    said: list[Sent] = []
    side = C
    for sizes in draw(st.lists(st.lists(st.integers(1, 60), max_size=5), min_size=1, max_size=6)):
        other = S if side is C else C
        burst = []
        for n_bytes in sizes:
            burst.append(Sent(side, sent[side], sent[side] + n_bytes, sent[other]))
            sent[side] += n_bytes
        for _ in range(draw(st.integers(0, 3)) if sent[side] else 0):
            start = draw(st.integers(0, sent[side] - 1))
            stop = draw(st.integers(start + 1, sent[side]))
            burst.append(Sent(side, start, stop, sent[other]))
        said += draw(st.permutations(burst))
        side = other
    if with_fins:
        said.append(Sent(C, sent[C], sent[C], sent[S], True))
        said.append(Sent(S, sent[S], sent[S], sent[C] + 1, True))
    return said


class Model:
    """Sets of positions; nothing else."""

    def __init__(self) -> None:
        self.seen: dict[Side, set[int]] = {C: set(), S: set()}
        self.lost: dict[Side, set[int]] = {C: set(), S: set()}
        self.fin: dict[Side, int | None] = {C: None, S: None}

    def capture(self, one: Sent) -> None:
        other = S if one.side is C else C
        acked = one.acked
        if self.fin[other] is not None:
            acked = min(acked, self.fin[other] or 0)
        proved = set(range(acked)) - self.seen[other] - self.lost[other]
        if one.is_fin and self.fin[other] is None:
            assume(proved != {acked - 1})  # could as well be an unseen FIN
        self.lost[other] |= proved
        self.seen[one.side] |= set(range(one.start, one.stop)) - self.lost[one.side]
        if one.is_fin:
            self.fin[one.side] = one.stop

    def finish(self) -> None:
        for side in (C, S):
            end = max(self.seen[side] | {(self.fin[side] or 0) - 1, -1}) + 1
            self.lost[side] |= set(range(end)) - self.seen[side]


def segments_of(said: list[Sent], isns: tuple[int, int]) -> list[Segment]:
    talk = Talk(isns=isns)
    return talk.opening() + [
        talk.fin(one.side, one.start, one.acked)
        if one.is_fin
        else talk.say(one.side, one.start, STREAMS[one.side][one.start : one.stop], one.acked)
        for one in said
    ]


def positions(told: list[Told], base: dict[Side, int]) -> tuple[dict[Side, set[int]], ...]:
    """Seen and lost positions as they were told; every byte is checked against its stream."""
    at = dict(base)
    seen: dict[Side, set[int]] = {C: set(), S: set()}
    lost: dict[Side, set[int]] = {C: set(), S: set()}
    for one in told:
        if isinstance(one, Chunk):
            stop = at[one.side] + len(one.data)
            assert one.data == STREAMS[one.side][at[one.side] : stop]
            seen[one.side] |= set(range(at[one.side], stop))
            at[one.side] = stop
        elif isinstance(one, Lost):
            assert one.n_bytes > 0
            lost[one.side] |= set(range(at[one.side], at[one.side] + one.n_bytes))
            at[one.side] += one.n_bytes
    return seen, lost


def run(segments: list[Segment]) -> list[Told]:
    reassembler = Reassembler((9000,))
    told = reassembler.feed_all(segments)
    return told + reassembler.finish(10**6)


@given(conversations(), ISN, ISN)
@settings(max_examples=300, deadline=None)
def test_without_drops_both_streams_come_whole_and_nothing_is_lost(
    said: list[Sent], client_isn: int, server_isn: int
) -> None:
    told = run(segments_of(said, (client_isn, server_isn)))
    for side in (C, S):
        ends = max((one.stop for one in said if one.side is side), default=0)
        data = b"".join(one.data for one in told if isinstance(one, Chunk) and one.side is side)
        assert data == STREAMS[side][:ends]
        assert [one.how for one in told if isinstance(one, Closed) and one.side is side] == ["fin"]
    assert not [one for one in told if isinstance(one, Lost)]
    assert len([one for one in told if isinstance(one, Opened)]) == 1


@given(conversations(), ISN, ISN, st.data())
@settings(max_examples=500, deadline=None)
def test_with_drops_every_position_is_told_right_or_lost_as_its_acks_prove(
    said: list[Sent], client_isn: int, server_isn: int, data: st.DataObject
) -> None:
    captured = [
        index for index, one in enumerate(said) if one.is_fin or data.draw(st.integers(0, 3))
    ]
    doubled = [index for index in captured for _ in range(data.draw(st.integers(1, 2)))]
    model = Model()
    for index in doubled:
        model.capture(said[index])
    model.finish()
    whole = segments_of(said, (client_isn, server_isn))
    told = run(whole[:2] + [whole[2 + index] for index in doubled])
    assert positions(told, {C: 0, S: 0}) == (model.seen, model.lost)


@given(conversations(with_fins=False), ISN, ISN, st.data())
@settings(max_examples=300, deadline=None)
def test_a_start_in_the_middle_tells_all_that_follows(
    said: list[Sent], client_isn: int, server_isn: int, data: st.DataObject
) -> None:
    assume(said)
    first = data.draw(st.integers(0, len(said) - 1))
    rest = said[first:]
    opener = rest[0]
    base = {opener.side: opener.start, (S if opener.side is C else C): opener.acked}
    model = Model()
    for side in (C, S):
        model.lost[side] = set(range(base[side]))
    for one in rest:
        model.capture(one)
    model.finish()
    told = run(segments_of(said, (client_isn, server_isn))[2 + first :])
    assert isinstance(told[0], Opened)
    assert not told[0].from_start
    seen, lost = positions(told, base)
    assert seen == model.seen
    assert lost == {side: model.lost[side] - set(range(base[side])) for side in (C, S)}


@given(
    st.lists(
        st.builds(
            Segment,
            at=st.integers(0, 100),
            flow=st.sampled_from([Talk().flows[C], Talk().flows[S]]),
            seq=st.integers(0, 12) | st.integers(0xFFFFFFF0, 0xFFFFFFFF) | ISN,
            ack=st.integers(0, 12) | st.integers(0xFFFFFFF0, 0xFFFFFFFF) | ISN,
            flags=st.integers(0, 63),
            data=st.binary(max_size=6),
            cut_bytes=st.sampled_from([0, 0, 0, 3]),
        ),
        max_size=40,
    )
)
@settings(max_examples=1000, deadline=None)
def test_no_nonsense_raises_or_breaks_the_order_of_what_is_told(segments: list[Segment]) -> None:
    alive: set[int] = set()
    finished: set[tuple[int, Side]] = set()
    for one in run(segments):
        if isinstance(one, Opened):
            assert one.conn not in alive
            alive.add(one.conn)
            continue
        assert one.conn in alive
        assert (one.conn, one.side) not in finished or (
            isinstance(one, Closed) and one.how != "fin"
        )
        if isinstance(one, Closed) and one.how == "fin":
            finished.add((one.conn, one.side))
            if {(one.conn, C), (one.conn, S)} <= finished:
                alive.discard(one.conn)
        elif isinstance(one, Closed):
            alive.discard(one.conn)
    assert not alive
