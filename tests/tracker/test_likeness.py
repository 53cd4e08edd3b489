"""What two hops' requests show of being the same one."""

import pytest

from gwtop.protocols._base import Pair
from gwtop.tracker.exchange import Exchange, Hop
from gwtop.tracker.likeness import headers_of, host_of, port_of, same_headers, target_key, told_of
from tests.tracker._scripted import ScriptedModule


def request(*fields: Pair, client: str = "10.0.0.1:50000") -> Exchange:
    module = ScriptedModule(fields=list(fields))
    exchange = Exchange(1, Hop(1, client, "10.0.0.9:80", module), 0, 0, 0)
    exchange.block = b"block"
    return exchange


@pytest.mark.parametrize(
    ("fields", "client"),
    [
        pytest.param([(b"REMOTE_ADDR", b"10.0.0.1"), (b"REMOTE_PORT", b"5")], "10.0.0.1:5", id="4"),
        pytest.param([(b"REMOTE_ADDR", b"::1"), (b"REMOTE_PORT", b"5")], "[::1]:5", id="6"),
        pytest.param(
            [(b"REMOTE_ADDR", b"::ffff:10.0.0.1"), (b"REMOTE_PORT", b"5")], "10.0.0.1:5", id="4in6"
        ),
        pytest.param(
            [(b"remote_addr", b"10.0.0.1"), (b"X_REMOTE_PORT", b"5")], "10.0.0.1:5", id="attributes"
        ),
        pytest.param([(b"REMOTE_ADDR", b"10.0.0.1"), (b"REMOTE_PORT", b"")], None, id="empty"),
        pytest.param([(b"REMOTE_ADDR", b"10.0.0.1"), (b"REMOTE_PORT", b"0")], None, id="nought"),
        pytest.param([(b"REMOTE_PORT", b"5")], None, id="no address"),
        pytest.param(
            [(b"REMOTE_ADDR", b"10.0.0.1"), (b"HTTP_REMOTE_PORT", b"5")], None, id="a header"
        ),
    ],
)
def test_the_clients_connection_as_the_front_wrote_it(
    fields: list[Pair], client: str | None
) -> None:
    assert told_of(request(*fields)).client == client


def test_nothing_told_is_nothing_known() -> None:
    told = told_of(request())
    assert (told.client, told.server_port, told.hosts, told.has_variables) == (
        None,
        None,
        frozenset(),
        False,
    )
    assert told.may_come_from(request())
    headless = request()
    headless.block = None
    assert told_of(headless) == told


def test_of_a_list_of_proxies_the_last_is_the_one_whose_client_we_saw() -> None:
    told = told_of(request((b"X-Forwarded-For", b"192.0.2.1, 10.0.0.1")))
    assert told.hosts == {"10.0.0.1"}
    assert told.may_come_from(request())
    assert not told.may_come_from(request(client="10.0.0.2:1"))


def test_an_address_that_the_client_brought_along_may_be_told_on() -> None:
    told = told_of(request((b"REMOTE_ADDR", b"192.0.2.1")))
    assert told.may_come_from(request((b"X-Real-IP", b"192.0.2.1")))
    assert not told.may_come_from(request((b"User-Agent", b"192.0.2.1")))


def test_a_variable_outweighs_the_headers_beside_it() -> None:
    told = told_of(request((b"REMOTE_ADDR", b"10.0.0.1"), (b"HTTP_X_FORWARDED_FOR", b"9.9.9.9")))
    assert told.hosts == {"10.0.0.1"}


@pytest.mark.parametrize(
    ("front", "back", "same"),
    [
        pytest.param([(b"A", b"1")], [(b"HTTP_A", b"1")], True, id="renamed"),
        pytest.param([(b"A", b"1")], [(b"HTTP_A", b"2")], False, id="another"),
        pytest.param([(b"A", b"1")], [], True, id="dropped"),
        pytest.param([(b"A", b"1"), (b"a", b"2")], [(b"HTTP_A", b"1, 2")], True, id="joined"),
        pytest.param(
            [(b"Cookie", b"1"), (b"Cookie", b"2")], [(b"HTTP_COOKIE", b"1; 2")], True, id="cookies"
        ),
        pytest.param([(b"Host", b"h")], [(b"Host", b"behind")], True, id="a proxy's own"),
    ],
)
def test_headers_contradict_only_where_both_hops_have_them(
    front: list[Pair], back: list[Pair], same: bool
) -> None:
    assert same_headers(request(*front), headers_of(request(*back))) is same


@pytest.mark.parametrize(
    ("target", "key"),
    [
        (b"/a%20b?c=%41", b"/a b?c=A"),
        (b"http://h:80/a?b", b"/a?b"),
        (b"http://h", b"/"),
        (b"/go?to=http://h/a", b"/go?to=http://h/a"),
        (b"/100%", b"/100%"),
        (b"*", b"*"),
    ],
)
def test_targets_compare_as_both_hops_would_write_them(target: bytes, key: bytes) -> None:
    assert target_key(target) == key


@pytest.mark.parametrize(
    ("endpoint", "host", "port"),
    [("10.0.0.1:80", "10.0.0.1", "80"), ("[::1]:80", "::1", "80"), ("unix:", "unix:", "")],
)
def test_an_endpoints_parts(endpoint: str, host: str, port: str) -> None:
    assert (host_of(endpoint), port_of(endpoint)) == (host, port)
