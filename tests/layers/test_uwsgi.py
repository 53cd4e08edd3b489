"""uwsgi packets for scapy: bytes written out by hand from Protocol.rst, both ways."""

import pytest

from gwtop.layers.uwsgi import UWSGI

VARS = b"\x0e\x00REQUEST_METHOD\x03\x00GET" + b"\x01\x00A\x00\x00"
PACKET = b"\x00" + len(VARS).to_bytes(2, "little") + b"\x00" + VARS


def test_a_wsgi_packet_is_its_variables() -> None:
    pkt = UWSGI(PACKET)
    assert (pkt.modifier1, pkt.datasize, pkt.modifier2) == (0, len(VARS), 0)
    assert pkt.as_list() == [(b"REQUEST_METHOD", b"GET"), (b"A", b"")]
    assert (pkt.vars[0].key_size, pkt.vars[0].val_size) == (14, 3)


def test_what_follows_the_block_is_the_body() -> None:
    assert UWSGI(PACKET + b"a=1&b=2").payload.load == b"a=1&b=2"


def test_sizes_are_little_endian_and_computed() -> None:
    assert bytes(UWSGI.of([(b"REQUEST_METHOD", b"GET"), (b"A", b"")])) == PACKET
    long = bytes(UWSGI.of([(b"K" * 300, b"v" * 5000)]))
    assert long[1:3] == (300 + 5000 + 4).to_bytes(2, "little")
    assert long[4:6] == b"\x2c\x01"


@pytest.mark.parametrize("modifier1", [5, 7, 14, 30])
def test_other_languages_send_the_same_block(modifier1: int) -> None:
    pkt = UWSGI(bytes([modifier1]) + PACKET[1:])
    assert pkt.as_list()[0] == (b"REQUEST_METHOD", b"GET")


def test_a_ping_has_neither_variables_nor_data() -> None:
    pkt = UWSGI(bytes.fromhex("64000000"))
    assert pkt.sprintf("%modifier1%") == "ping"
    assert (pkt.vars, pkt.data) == (None, b"")


def test_an_http_answer_is_no_packet_with_a_size() -> None:
    pkt = UWSGI(b"HTTP/1.1 200 OK\r\n\r\n")
    assert pkt.modifier1 == 72
    assert pkt.payload.load == b"/1.1 200 OK\r\n\r\n"


def test_code_to_evaluate_is_data_and_not_variables() -> None:
    pkt = UWSGI(b"\x16\x05\x00\x00" + b"1 + 1")
    assert pkt.data == b"1 + 1"
    assert bytes(UWSGI(modifier1=22, data=b"1 + 1")) == b"\x16\x05\x00\x00" + b"1 + 1"


def test_a_wrong_size_can_be_crafted() -> None:
    assert bytes(UWSGI(datasize=0x1234))[:4] == b"\x00\x34\x12\x00"
