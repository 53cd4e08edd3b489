"""uwsgi packets alone: variables, claims, and bytes that only look like one."""

import pytest

from gwtop.nouns.events import Remark
from gwtop.protocols._base import Claim
from gwtop.protocols._uwsgi_wire import (
    REQUEST_SIGN,
    claims,
    fits,
    looks_big_endian,
    pairs_of,
    wrong_start,
)
from tests.protocols.samples_uwsgi import packet, request, variables

GET = request(b"GET", b"/")


def test_variables_come_in_wire_order_up_to_the_one_that_is_cut() -> None:
    block = variables((b"A", b"1"), (b"B", b""))
    assert pairs_of(block) == ([(b"A", b"1"), (b"B", b"")], True)
    assert pairs_of(block[:-1]) == ([(b"A", b"1")], False)
    assert pairs_of(b"\xff\xff\0\0") == ([], False)


def test_every_prefix_of_a_request_may_be_claimed() -> None:
    for size in range(len(GET)):
        assert claims(GET[:size]) is not Claim.NO
    assert claims(GET) is Claim.YES


@pytest.mark.parametrize(
    "prefix",
    [
        pytest.param(b"HTTP/1.1 200 OK", id="modifier1 72, an HTTP answer"),
        pytest.param(b"\x01\x01\0\x01", id="FastCGI"),
        pytest.param(packet(variables((b"lower", b"x"))), id="no CGI name"),
        pytest.param(packet(b""), id="no variables"),
        pytest.param(packet(b"\x05\0ABC\0\0"), id="a length that does not fit"),
    ],
)
def test_what_is_no_request_is_not_claimed(prefix: bytes) -> None:
    assert claims(prefix) is Claim.NO


def test_a_packet_without_variables_is_never_claimed_while_its_name_would_come() -> None:
    prefix = b"\x05\0\0\0" + b"\x05\0:\0\0\0\0"
    assert {claims(prefix[:size]) for size in range(4, len(prefix))} == {Claim.NO}


def test_a_ping_is_claimed() -> None:
    assert [claims(b"\x64\0\0\0"[:n]) for n in (1, 3, 4)] == [Claim.MORE, Claim.MORE, Claim.YES]


def test_fits_says_no_only_where_the_whole_packet_would_not_fit() -> None:
    assert fits(b"\0") is Claim.MORE and fits(GET) is Claim.YES
    assert fits(b"\0\x03\0\0") is Claim.NO and fits(b"A") is Claim.NO


def test_http_is_told_from_noise_once_its_line_is_whole() -> None:
    assert wrong_start(b"GE") is Claim.MORE and wrong_start(b"GET / HTTP/1.1") is Claim.MORE
    assert isinstance(wrong_start(b"GET / HTTP/1.1\r\n"), Remark)
    assert wrong_start(b"GET /\r\n") is Claim.NO and wrong_start(b"\xff\xfe") is Claim.NO


def test_a_size_in_the_other_byte_order_is_seen() -> None:
    block = GET[4:]
    assert looks_big_endian(b"\0" + len(block).to_bytes(2, "big") + b"\0" + block)
    assert not looks_big_endian(GET[:-1])


def test_a_request_is_found_by_what_fronts_put_first() -> None:
    found = REQUEST_SIGN.pattern.search(b"body" + GET)
    assert found is not None and found.start() == 4
