"""What became of a request between two hops."""

import pytest

from gwtop.model import Model
from gwtop.nouns.facts import Pairs, Request
from gwtop.nouns.times import MILLISECOND_NS as MS
from gwtop.panels._detail import hops
from gwtop.panels._hop_diff import Change, changes
from tests.screens._facts import T0, request

ASKED: Pairs = [("Host", "h"), ("User-Agent", "curl"), ("X-Tag", "a"), ("X-Tag", "b")]


def kinds(here: Pairs, there: Pairs) -> dict[str, str]:
    return {change.name: change.kind for change in changes(here, there)}


def test_a_header_is_renamed_to_its_variable() -> None:
    assert kinds([("User-Agent", "curl")], [("HTTP_USER_AGENT", "curl")]) == {
        "User-Agent": "renamed"
    }


def test_case_alone_is_no_change() -> None:
    assert kinds([("User-Agent", "curl")], [("user-agent", "curl")]) == {"User-Agent": "kept"}


def test_variables_of_the_front_are_added() -> None:
    there = [("REQUEST_METHOD", "GET"), ("HTTP_HOST", "h"), ("HOST", "x")]
    assert changes([("Host", "h")], there) == [
        Change("renamed", "Host", ("h",), ("h",)),
        Change("added", "REQUEST_METHOD", (), ("GET",)),
        Change("added", "HOST", (), ("x",)),
    ]


@pytest.mark.parametrize("glue", [", ", "; ", ","])
def test_repeated_headers_in_one_value_are_joined(glue: str) -> None:
    here = [("X-Tag", "a"), ("Host", "h"), ("X-Tag", "b")]
    there = [("HTTP_X_TAG", f"a{glue}b"), ("HTTP_HOST", "h")]
    assert changes(here, there)[0] == Change("joined", "X-Tag", ("a", "b"), (f"a{glue}b",))


def test_repeated_headers_that_stay_apart_are_not_joined() -> None:
    here = [("X-Tag", "a"), ("X-Tag", "b")]
    assert kinds(here, [("HTTP_X_TAG", "a"), ("HTTP_X_TAG", "b")]) == {"X-Tag": "renamed"}


def test_of_repeated_headers_one_that_got_through_is_a_change() -> None:
    assert changes([("X-Tag", "a"), ("X-Tag", "b")], [("HTTP_X_TAG", "b")]) == [
        Change("changed", "X-Tag", ("a", "b"), ("b",))
    ]


def test_blanked_values_count_as_joined() -> None:
    here = [("Cookie", "[redacted]"), ("Cookie", "[redacted]")]
    assert kinds(here, [("HTTP_COOKIE", "[redacted]")]) == {"Cookie": "joined"}


def test_what_does_not_arrive_is_dropped() -> None:
    assert changes([("X-Long", "v" * 5), ("Host", "h")], [("HTTP_HOST", "h")])[0] == Change(
        "dropped", "X-Long", ("vvvvv",), ()
    )


def test_the_two_headers_of_the_body_lose_the_prefix() -> None:
    here = [("Content-Type", "text/plain"), ("Content-Length", "4"), ("Host", "h")]
    there = [("CONTENT_TYPE", "text/plain"), ("CONTENT_LENGTH", "4"), ("HTTP_HOST", "h")]
    assert set(kinds(here, there).values()) == {"renamed"}


def test_a_length_sent_both_ways_is_the_header_and_an_addition() -> None:
    there = [("CONTENT_LENGTH", "4"), ("HTTP_CONTENT_LENGTH", "4")]
    assert changes([("Content-Length", "4")], there) == [
        Change("renamed", "Content-Length", ("4",), ("4",)),
        Change("added", "CONTENT_LENGTH", (), ("4",)),
    ]


def test_between_two_proxies_headers_are_compared_as_they_are() -> None:
    here, there = [("Host", "h"), ("A", "1")], [("Host", "behind"), ("A", "1"), ("Via", "p")]
    assert kinds(here, there) == {"Host": "changed", "A": "kept", "Via": "added"}


# -- in the detail -------------------------------------------------------------------------------

FRONT = request(
    1,
    T0,
    protocol="http",
    target="/a",
    server="127.0.0.1:8080",
    client="127.0.0.1:50001",
    duration_ns=12 * MS,
    request_body_bytes=100,
    fields=[("Host", "h"), ("X-Big", "v" * 16384)],
    response_fields=[("Content-Type", "text/html"), ("Server", "front")],
    status=502,
    response_body_bytes=157,
)
BACK = request(
    2,
    T0,
    pair=1,
    target="/index.php",
    server="127.0.0.1:9000",
    client="127.0.0.1:60001",
    duration_ns=10 * MS,
    request_body_bytes=96,
    fields=[("HTTP_HOST", "h"), ("REMOTE_PORT", "50001")],
    response_fields=[("Status", "500 Oops"), ("Content-Type", "text/plain")],
    status=500,
    response_body_bytes=4,
)


def told(fact: Request, *facts: Request) -> list[str]:
    model = Model()
    for one in facts:
        model.apply(one)
    return ["".join(cell.text for cell in line) for line in hops(fact, model.snapshot(), 72)]


def test_each_hops_detail_shows_the_other_and_the_difference() -> None:
    for fact, other in ((FRONT, "behind: request 2"), (BACK, "in front: request 1")):
        text = told(fact, BACK, FRONT)
        assert any(line.startswith(f"the hop {other}, ") for line in text), text
        assert "took         12 ms in front, 10 ms behind: the front adds 2.0 ms" in text
        assert "target       /a → /index.php" in text
        assert "− X-Big  " + "v" * 56 + "… (16K)" in text
        assert "+ REMOTE_PORT  50001" in text
        assert "status       500 → 502" in text
        assert "body asked   100 bytes → 96 bytes" in text
        assert "body told    4 bytes → 157 bytes" in text
        assert "~ Content-Type  text/plain → text/html" in text
        assert "+ Server  front" in text
        assert not any("Oops" in line and line[0] in "−~⊕+" for line in text)


def test_without_a_kept_partner_there_is_no_such_part() -> None:
    assert not any(line.startswith("the hop") for line in told(BACK, BACK))
    assert not any(line.startswith("the hop") for line in told(FRONT, FRONT))


def test_without_fields_sizes_and_status_are_compared_all_the_same() -> None:
    front, back = (request(n, T0, pair=n - 1 or None, status=200 + n) for n in (1, 2))
    text = told(front, back, front)
    assert "status       202 → 201" in text
    assert not any("client → gateway" in line for line in text)
