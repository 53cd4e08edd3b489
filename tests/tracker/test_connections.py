"""Connections: which decoder gets whose bytes, and what happens to those nobody claims."""

import pytest

from gwtop.nouns.events import Body, Hole, Remark, RequestHead, ResponseEnd, ResponseHead
from gwtop.nouns.facts import Watched
from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Observed
from gwtop.nouns.wire import Chunk, Closed, Lost, Opened, Side
from gwtop.protocols._base import Claim, Module
from gwtop.tracker.connections import MAX_HELD_BYTES, MAX_SERVERS, Connection, Connections, watched
from gwtop.tracker.exchange import Exchange
from tests.tracker._scripted import Script, ScriptedModule

CLIENT, SERVER = Side.CLIENT, Side.SERVER

SCRIPT: Script = {
    b"ask": lambda at: [RequestHead(0, at, b"GET", b"/", None, 3, b"")],
    b"answer": lambda at: [
        ResponseHead(0, at, 200, 6, b""),
        Body(0, SERVER, b"b"),
        ResponseEnd(0, False),
    ],
    b"lost": lambda at: [Hole(0, SERVER, 5, False)],
}


class Scene:
    def __init__(self, *modules: Module, forced: Module | None = None) -> None:
        self.over: list[Exchange] = []
        self.gone: list[Connection] = []
        self.notes: list[Observed] = []
        self.connections = Connections(
            modules or (ScriptedModule(SCRIPT),),
            forced,
            0,
            lambda exchange: None,
            self.over.append,
            lambda connection, closed: self.gone.append(connection),
            self.notes.append,
        )

    def open(self, conn: int = 1, from_start: bool = True) -> None:
        self.connections.open(Opened(0, conn, "127.0.0.1:5", "127.0.0.1:9", from_start))

    def say(self, at: int, side: Side, data: bytes, conn: int = 1) -> None:
        self.connections.chunk(Chunk(at, conn, side, data))


def test_the_protocol_that_claims_the_first_bytes_gets_all_of_them_at_their_own_times() -> None:
    scene = Scene()
    scene.open()
    scene.say(3, CLIENT, b"ask")
    scene.say(8, SERVER, b"answer")
    (exchange,) = scene.over
    assert (exchange.began_at, exchange.last_at, exchange.hop.protocol.NAME) == (3, 8, "scripted")
    assert list(scene.connections.by_server) == ["127.0.0.1:9"]


def test_of_servers_without_number_the_newest_are_known() -> None:
    scene = Scene()
    for n in range(MAX_SERVERS + 10):
        server = f"127.{n >> 8}.{n & 255}.1:9"
        scene.connections.open(Opened(0, n, "127.0.0.1:5", server, True))
        scene.say(3, CLIENT, b"ask", conn=n)
        scene.say(8, SERVER, b"answer", conn=n)
        scene.connections.forget(n)
    assert len(scene.over) == MAX_SERVERS + 10
    assert len(scene.connections.by_server) == MAX_SERVERS
    assert len(scene.connections._understood) == MAX_SERVERS
    assert list(scene.connections.by_server)[-1] == server


def test_bytes_that_nobody_claims_are_skipped_for_good() -> None:
    scene = Scene()
    scene.open()
    scene.say(1, CLIENT, b"?")
    scene.say(2, CLIENT, b"ask")
    (connection,) = scene.connections.live()
    assert connection.skipped and connection.link is None and connection.held == []


def test_a_connection_that_began_before_is_asked_at_each_chunk() -> None:
    scene = Scene()
    scene.open(from_start=False)
    scene.say(1, CLIENT, b"middle of something")
    scene.say(2, CLIENT, b"ask")
    scene.say(3, SERVER, b"answer")
    assert [e.began_at for e in scene.over] == [2]


def test_a_ports_habit_decides_only_for_connections_that_began_before() -> None:
    scene = Scene()
    scene.open(1)
    scene.say(1, CLIENT, b"ask", 1)
    scene.open(2, from_start=False)
    scene.say(2, SERVER, b"answer", 2)
    assert [(e.hop.connection, e.outcome) for e in scene.over] == [(2, "partial")]
    scene.open(3)
    scene.say(3, CLIENT, b"unknown", 3)
    assert [c.skipped for c in scene.connections.live() if c.id == 3] == [True]


def test_a_forced_protocol_is_not_asked_for_its_claim() -> None:
    module = ScriptedModule({**SCRIPT, b"?": SCRIPT[b"ask"]})
    scene = Scene(forced=module)
    scene.open()
    scene.say(1, CLIENT, b"?")
    scene.say(2, SERVER, b"answer")
    assert len(scene.over) == 1


def test_a_gap_before_the_protocol_is_known_is_counted_and_told_with_the_next_answer() -> None:
    scene = Scene()
    scene.open()
    scene.connections.lost(Lost(1, 1, CLIENT, 40, False))
    scene.say(2, CLIENT, b"ask")
    assert scene.connections.lost_bytes == 40
    scene.say(3, SERVER, b"answer")
    assert [e.outcome for e in scene.over] == ["done"], "the gap was before this request"


def test_a_server_that_speaks_first_is_held_only_up_to_a_limit() -> None:
    scene = Scene()
    scene.open()
    for at in range(3):
        scene.say(at, SERVER, b"x" * (MAX_HELD_BYTES // 2))
    (connection,) = scene.connections.live()
    assert connection.skipped and connection.held == []


def test_a_reset_forgets_the_connection_and_two_fins_wait_for_a_late_one() -> None:
    scene = Scene()
    scene.open(1)
    scene.connections.close(Closed(5, 1, CLIENT, "rst"))
    assert (len(scene.gone), scene.connections.live()) == (1, [])
    scene.open(2)
    scene.connections.close(Closed(5, 2, CLIENT, "fin"))
    assert len(scene.gone) == 1
    scene.connections.close(Closed(6, 2, SERVER, "fin"))
    assert len(scene.gone) == 2 and len(scene.connections.live()) == 1
    scene.connections.forget(2)
    assert scene.connections.live() == []


def test_the_end_of_the_capture_makes_what_is_open_partial() -> None:
    scene = Scene()
    scene.open()
    scene.say(1, CLIENT, b"ask")
    scene.connections.close(Closed(5, 1, CLIENT, "end"))
    assert [e.outcome for e in scene.over] == ["partial"]


def test_events_of_a_connection_that_was_not_wanted_find_nobody() -> None:
    scene = Scene()
    scene.say(1, CLIENT, b"ask")
    scene.connections.lost(Lost(1, 1, CLIENT, 4, False))
    scene.connections.close(Closed(1, 1, CLIENT, "fin"))
    assert (scene.over, scene.gone, scene.connections.lost_bytes) == ([], [], 0)


class Named(ScriptedModule):
    """A second protocol, and one that says what is wrong with a client's first bytes."""

    def __init__(self, name: str, script: Script) -> None:
        super().__init__(script)
        self.NAME = name


OTHER: Script = {
    b"ask": lambda at: [RequestHead(0, at, b"GET", b"/", None, 3, b"")],
    b"answer": lambda at: [ResponseHead(0, at, 204, 6, b""), ResponseEnd(0, False)],
    b"unreadable": lambda at: [ResponseHead(0, at, 400, 6, b""), ResponseEnd(0, False)],
    b"?": lambda at: [Remark(None, "wrong", "error", "Wrong."), Remark(None, "w", "warn", "W.")],
}


class Mute(Named):
    """Claims only `ask`, so `?` is nobody's."""

    def claims(self, prefix: bytes) -> Claim:
        return Claim.YES if prefix == b"ask" else Claim.NO


class Second(Named):
    def claims(self, prefix: bytes) -> Claim:
        return Claim.YES if prefix == b"second" else Claim.NO


def two_protocols() -> Scene:
    second = Second("second", {**OTHER, b"second": OTHER[b"ask"]})
    return Scene(Mute("first", OTHER), second)


def codes(scene: Scene) -> list[list[str]]:
    return [[remark.code for remark in exchange.remarks] for exchange in scene.over]


def ask_and_close(scene: Scene, conn: int, question: bytes, answer: bytes = b"") -> None:
    scene.open(conn)
    scene.say(conn, CLIENT, question, conn)
    if answer:
        scene.say(conn, SERVER, answer, conn)
    scene.connections.close(Closed(conn, conn, SERVER, "fin"))


@pytest.mark.parametrize("answer", [b"", b"unreadable"])
def test_one_that_a_server_of_another_protocol_does_not_understand_is_told_so(
    answer: bytes,
) -> None:
    scene = two_protocols()
    ask_and_close(scene, 1, b"ask", b"answer")
    ask_and_close(scene, 2, b"second", answer)
    assert codes(scene)[0] == [] and "other-protocol" in codes(scene)[1]
    (remark,) = (r for r in scene.over[1].remarks if r.code == "other-protocol")
    assert "speaks second" in remark.text and "spoke first" in remark.text


def test_a_port_that_answers_in_a_new_protocol_has_changed_it() -> None:
    scene = two_protocols()
    ask_and_close(scene, 1, b"ask", b"answer")
    ask_and_close(scene, 2, b"second", b"answer")
    ask_and_close(scene, 3, b"second", b"unreadable")
    assert codes(scene) == [[], [], []]


def test_a_first_failure_and_one_in_the_usual_protocol_are_no_other_protocol() -> None:
    scene = two_protocols()
    ask_and_close(scene, 1, b"second")
    ask_and_close(scene, 2, b"ask", b"answer")
    ask_and_close(scene, 3, b"ask", b"unreadable")
    assert not any("other-protocol" in each for each in codes(scene))


def test_nobodys_bytes_are_judged_by_the_protocol_that_the_server_understands() -> None:
    scene = two_protocols()
    ask_and_close(scene, 1, b"?")
    ask_and_close(scene, 2, b"ask", b"answer")
    ask_and_close(scene, 3, b"?")
    assert [(note.at, note.code, note.listen) for note in scene.notes] == [
        (3, "wrong", "127.0.0.1:9")
    ]
    assert len(scene.over) == 1


def test_a_watched_unix_listener_is_told_with_the_protocol_seen_on_it() -> None:
    plan = Plan(socket="/run/x.sock")
    assert watched(plan, {}) == [Watched("unix:/run/x.sock", None)]
    module = ScriptedModule(SCRIPT)
    spoken: dict[str, Module] = {"unix:/run/x.sock": module}
    assert watched(plan, spoken) == [Watched("unix:/run/x.sock", module.NAME)]
