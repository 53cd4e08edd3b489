"""Pairing: which client's request a back hop's request was made for, and when nobody can say."""

from gwtop.nouns.times import MILLISECOND_NS as MS
from gwtop.nouns.times import SECOND_NS
from gwtop.protocols._base import Module, Pair
from gwtop.tracker.exchange import Exchange, Hop
from gwtop.tracker.pairing import Pairing
from tests.tracker._scripted import ScriptedModule

T0 = 1_800_000_000 * SECOND_NS
FRONT, BACK = "127.0.0.1:8080", "127.0.0.1:9000"
HTTP = ScriptedModule(fields=[(b"Host", b"h")])


def variables(*pairs: Pair, addr: bytes = b"127.0.0.1", port: bytes | None = None) -> Module:
    fields: list[Pair] = [(b"REMOTE_ADDR", addr), *pairs]
    gateway = ScriptedModule(fields=fields if port is None else [*fields, (b"REMOTE_PORT", port)])
    gateway.NAME = "gateway"
    return gateway


def headers(*pairs: Pair) -> Module:
    return ScriptedModule(fields=list(pairs))


class Scene:
    """Requests in the order they are begun; times in milliseconds."""

    def __init__(self) -> None:
        self.pairing = Pairing()
        self._n = 0

    def request(
        self,
        at: int,
        server: str,
        speaks: Module = HTTP,
        *,
        port: int = 50000,
        target: bytes = b"/a",
        method: bytes = b"GET",
        connection: int | None = None,
        sequence: int = 0,
        client: str | None = None,
    ) -> Exchange:
        self._n += 1
        hop = Hop(connection or self._n, client or f"127.0.0.1:{port}", server, speaks)
        exchange = Exchange(self._n, hop, 0, sequence, T0 + at * MS)
        exchange.asked, exchange.block = True, b"block"
        exchange.method, exchange.target = method, target
        self.pairing.began(exchange)
        return exchange

    def front(self, at: int, speaks: Module = HTTP, **more: object) -> Exchange:
        return self.request(at, FRONT, speaks, **more)  # type: ignore[arg-type]

    def back(self, at: int, speaks: Module, **more: object) -> Exchange:
        return self.request(at, BACK, speaks, **{"port": 60000, **more})  # type: ignore[arg-type]

    def answer(self, exchange: Exchange, at: int, status: int = 200) -> None:
        exchange.first_byte_at = exchange.answered_at = exchange.over_at = T0 + at * MS
        exchange.status, exchange.outcome = status, "done"

    def settle(self, *exchanges: Exchange) -> list[int | None]:
        for exchange in exchanges:
            self.pairing.settle(exchange)
        return [exchange.pair for exchange in exchanges]

    def pair(self, back: Exchange, at: int = 50) -> int | None:
        """What is said of it when it is answered at `at`, its front still open."""
        self.answer(back, at)
        return self.settle(back)[0]


# -- by the front's own word -------------------------------------------------------------------


def test_address_and_port_name_the_clients_connection() -> None:
    scene = Scene()
    others = [scene.front(n, port=50000 + n) for n in range(5)]
    back = scene.back(9, variables(port=b"50003"))
    assert scene.pair(back) == others[3].id


def test_the_fronts_own_request_has_no_pair() -> None:
    scene = Scene()
    front = scene.front(0)
    back = scene.back(1, variables(port=b"50000"))
    scene.pair(back, 2)
    assert scene.pair(front, 3) is None


def test_on_a_kept_connection_it_is_the_request_in_flight() -> None:
    scene = Scene()
    first = scene.front(0, connection=7)
    assert scene.pair(scene.back(1, variables(port=b"50000")), 2) == first.id
    scene.answer(first, 3)
    second = scene.front(4, connection=7, sequence=1)
    assert scene.pair(scene.back(5, variables(port=b"50000")), 6) == second.id


def test_a_request_that_began_after_the_fronts_end_is_not_its() -> None:
    scene = Scene()
    front = scene.front(0)
    scene.answer(front, 3)
    assert scene.pair(scene.back(4, variables(port=b"50000"))) is None


def test_a_front_whose_answer_is_known_already_was_unanswered_then() -> None:
    scene = Scene()
    front = scene.front(0)
    scene.answer(front, 9)  # told by a quicker tap
    assert scene.pair(scene.back(4, HTTP), 8) == front.id


def test_another_target_on_the_same_port_is_somebody_elses() -> None:
    scene = Scene()
    scene.front(0, target=b"/a")
    assert scene.pair(scene.back(1, variables(port=b"50000"), target=b"/b")) is None


def test_a_rewritten_target_needs_both_ends_of_the_connection() -> None:
    scene = Scene()
    front = scene.front(0, target=b"/a")
    told = variables((b"SERVER_PORT", b"8080"), port=b"50000")
    assert scene.pair(scene.back(1, told, target=b"/index.php")) == front.id


def test_one_client_port_to_two_servers_is_told_apart_by_the_servers_port() -> None:
    scene = Scene()
    scene.front(0)
    other = scene.request(0, "127.0.0.1:8081")
    told = variables((b"SERVER_PORT", b"8081"), port=b"50000")
    assert scene.pair(scene.back(1, told)) == other.id
    assert scene.pair(scene.back(1, variables(port=b"50000"))) is None


def test_escapes_and_the_absolute_form_are_the_same_target() -> None:
    scene = Scene()
    front = scene.front(0, target=b"http://h/a%20b?c")
    assert scene.pair(scene.back(1, variables(port=b"50000"), target=b"/a b?c")) == front.id


def test_a_pipelining_clients_like_requests_are_taken_one_by_one() -> None:
    scene = Scene()
    line = [scene.front(0, connection=7, sequence=n) for n in range(3)]
    backs = [scene.back(1 + n, variables(port=b"50000")) for n in range(3)]
    for n, back in enumerate(backs):
        scene.answer(back, 10 + n)
    assert scene.settle(*backs) == [front.id for front in line]


def test_after_a_failure_a_pipelining_clients_next_request_is_nobody_knows_whose() -> None:
    scene = Scene()
    line = [scene.front(0, connection=7, sequence=n) for n in range(2)]
    broken = scene.back(1, variables(port=b"50000"))
    scene.answer(broken, 2, status=502)
    assert scene.pair(scene.back(3, variables(port=b"50000"))) is None
    assert scene.settle(broken) == [line[0].id]


def test_an_ipv4_client_of_a_socket_of_both_families_is_an_ipv4_client() -> None:
    scene = Scene()
    front = scene.front(0)
    told = variables(addr=b"::ffff:127.0.0.1", port=b"50000")
    assert scene.pair(scene.back(1, told)) == front.id


def test_ipv6_endpoints_are_compared_without_brackets() -> None:
    scene = Scene()
    front = scene.front(0, client="[::1]:50000")
    assert scene.pair(scene.back(1, variables(addr=b"::1", port=b"50000"))) == front.id


def test_an_address_that_a_proxy_before_the_front_told_is_looked_for_in_what_it_told() -> None:
    scene = Scene()
    front = scene.front(0, headers((b"X-Forwarded-For", b"10.0.0.9, 192.0.2.7")))
    told = variables(addr=b"192.0.2.7", port=b"50000")
    assert scene.pair(scene.back(1, told)) == front.id
    assert scene.pair(scene.back(1, variables(addr=b"192.0.2.8", port=b"50000"))) is None


def test_a_header_of_the_clients_cannot_name_a_connection() -> None:
    scene = Scene()
    mine, other = scene.front(0, port=50001), scene.front(0, port=50002, target=b"/b")
    forged = variables((b"HTTP_REMOTE_PORT", b"50002"), (b"HTTP_REMOTE_ADDR", b"9.9.9.9"))
    assert scene.pair(scene.back(1, forged)) == mine.id
    assert other.pair is None


def test_with_one_hop_watched_nothing_is_paired() -> None:
    scene = Scene()
    scene.back(0, variables(port=b"50000"))
    assert scene.pair(scene.back(1, variables(port=b"50000"), port=60001)) is None


# -- by the window -----------------------------------------------------------------------------


def test_without_a_port_the_only_open_request_for_that_target_is_it() -> None:
    scene = Scene()
    scene.front(0, target=b"/other")
    front = scene.front(1)
    assert scene.pair(scene.back(2, variables())) == front.id


def test_two_open_requests_for_one_target_are_no_pair() -> None:
    scene = Scene()
    scene.front(0)
    scene.front(1, port=50001)
    backs = [scene.back(2, variables()), scene.back(3, variables())]
    for back in backs:
        scene.answer(back, 9)
    assert scene.settle(*backs) == [None, None]


def test_what_has_its_own_request_is_no_candidate_for_the_next_one() -> None:
    scene = Scene()
    first = scene.front(0)
    back = scene.back(1, variables())
    second = scene.front(2, port=50001)
    other = scene.back(3, variables())
    scene.answer(back, 9)
    scene.answer(other, 9)
    assert scene.settle(back, other) == [first.id, second.id]


def test_a_second_request_for_one_front_takes_both_away() -> None:
    scene = Scene()
    scene.front(0)
    backs = [scene.back(1, variables()), scene.back(2, variables())]
    for back in backs:
        scene.answer(back, 9)
    assert scene.settle(*backs) == [None, None]


def test_a_front_that_tries_again_after_a_failure_has_two() -> None:
    scene = Scene()
    front = scene.front(0)
    broken = scene.back(1, variables())
    broken.outcome, broken.over_at = "aborted", T0 + 2 * MS
    again = scene.back(3, variables())
    scene.answer(again, 9)
    assert scene.settle(broken, again) == [front.id, front.id]


def test_headers_of_the_clients_own_tell_like_requests_apart() -> None:
    scene = Scene()
    scene.front(0, headers((b"User-Agent", b"curl"), (b"Host", b"h")))
    wget = scene.front(0, headers((b"User-Agent", b"wget"), (b"Host", b"h")), port=50001)
    told = variables((b"HTTP_USER_AGENT", b"wget"), (b"HTTP_HOST", b"behind"))
    assert scene.pair(scene.back(1, told)) == wget.id


def test_the_address_told_takes_candidates_away() -> None:
    scene = Scene()
    scene.front(0, client="10.0.0.1:50000")
    near = scene.front(0, client="10.0.0.2:50000")
    assert scene.pair(scene.back(1, variables(addr=b"10.0.0.2"))) == near.id
    assert scene.pair(scene.back(2, variables(addr=b"10.0.0.3"))) is None


def test_after_lost_frames_the_only_one_seen_is_not_the_only_one() -> None:
    scene = Scene()
    early = scene.front(0)
    before = scene.back(1, variables())
    scene.pairing.missed(T0 + 2 * MS)
    after = scene.back(3, variables())
    named = scene.back(4, variables(port=b"50000"))
    for back in (before, after, named):
        scene.answer(back, 9)
    assert scene.settle(before, after, named) == [None, None, early.id]
    late = scene.front(11_000)
    assert scene.pair(scene.back(11_001, variables()), 11_002) == late.id


def test_a_front_that_speaks_before_its_back_end_did_not_pass_it_on() -> None:
    scene = Scene()
    front = scene.front(0)
    back = scene.back(1, variables())
    scene.answer(front, 4)
    scene.answer(back, 9)
    assert scene.settle(back) == [None]


# -- proxies that speak the same on both sides ---------------------------------------------------


def proxied(scene: Scene, at: int, **more: object) -> Exchange:
    return scene.back(at, headers((b"X-Real-IP", b"127.0.0.1")), **more)


def test_a_proxys_request_is_paired_by_target_and_window() -> None:
    scene = Scene()
    front = scene.front(0)
    assert scene.pair(proxied(scene, 1)) == front.id


def test_the_address_a_proxy_tells_is_asked() -> None:
    scene = Scene()
    scene.front(0, client="10.0.0.1:50000")
    assert scene.pair(proxied(scene, 1)) is None


def test_a_later_client_is_not_taken_for_what_an_open_request_behind_was_made_for() -> None:
    scene = Scene()
    first = scene.front(0)
    behind = proxied(scene, 1)
    later = scene.front(2, port=50001)
    scene.answer(behind, 20)
    scene.answer(later, 10)
    assert scene.settle(later, behind) == [None, first.id]


def test_who_stands_in_front_is_not_learned_while_many_are_open() -> None:
    scene = Scene()
    scene.front(0)
    scene.front(0, port=50001)
    one_behind = proxied(scene, 1)
    later = scene.front(2, port=50002)
    scene.answer(one_behind, 9)
    scene.answer(later, 9)
    assert scene.settle(one_behind, later) == [None, None]


def test_a_gateways_request_is_no_front_of_a_clients() -> None:
    scene = Scene()
    behind = scene.back(0, variables())
    assert scene.pair(scene.front(1)) is None
    assert behind.pair is None


def test_in_a_chain_each_hop_is_paired_with_the_one_before_it() -> None:
    scene = Scene()
    outer = scene.front(0)
    middle = scene.request(1, "127.0.0.1:8081", port=50500)
    inner = scene.back(2, variables(port=b"50500"))
    scene.answer(inner, 5)
    scene.answer(middle, 6)
    assert scene.settle(inner, middle) == [middle.id, outer.id]
    assert scene.pairing.innermost([outer, middle, inner]) == [inner]


def test_what_passes_on_is_known_once_a_pair_is() -> None:
    scene = Scene()
    front = scene.front(0)
    assert not scene.pairing.passes_on(front)
    back = scene.back(1, variables(port=b"50000"))
    assert scene.pairing.passes_on(front) and not scene.pairing.passes_on(back)


def test_nothing_is_kept_of_what_has_settled() -> None:
    scene = Scene()
    for n in range(50):
        front = scene.front(n, port=50000 + n)
        back = scene.back(n, variables(port=str(50000 + n).encode()) if n % 2 else variables())
        assert scene.pair(back, n) == front.id
        scene.answer(front, n)
        scene.settle(front)
    names = [k for k in dir(scene.pairing) if k[0] == "_" != k[1]]  # compiled: no __dict__
    tables = {k: getattr(scene.pairing, k) for k in names if k not in ("_outer", "_ways")}
    kept = {k: v for k, v in tables.items() if not callable(v)}
    assert not any(kept.values()), kept
