"""FastCGI records for scapy: bytes written out by hand from the specification, both ways."""

import pytest
from scapy.layers.inet import IP, TCP
from scapy.packet import Raw

from gwtop import layers
from gwtop.layers.fastcgi import (
    FCGI,
    FCGIBeginRequestBody,
    FCGIEndRequestBody,
    FCGIPairs,
    FCGIRecord,
    FCGIUnknownTypeBody,
    joined,
    whole_pairs,
)

#          version type   id     length padding reserved
BEGIN = b"\x01\x01" + b"\0\1" + b"\0\x08" + b"\0\0" + b"\0\1" + b"\1" + bytes(5)
PARAMS = b"\x01\x04" + b"\0\1" + b"\0\x11" + b"\7\0" + b"\x0e\1REQUEST_METHODX" + b"" + bytes(7)
END = b"\x01\x03" + b"\0\1" + b"\0\x08" + b"\0\0" + b"\0\0\0\x2a" + b"\2" + bytes(3)


def test_a_begin_record_shows_role_and_keep_conn() -> None:
    record = FCGIRecord(BEGIN)
    assert (record.version, record.type, record.requestId) == (1, 1, 1)
    assert (record.contentLength, record.paddingLength) == (8, 0)
    assert record.contentData.role == 1
    assert str(record.contentData.flags) == "FCGI_KEEP_CONN"


def test_params_with_padding_are_pairs() -> None:
    record = FCGIRecord(PARAMS)
    assert record.contentData.as_list() == [(b"REQUEST_METHOD", b"X")]
    assert record.paddingData == bytes(7)


def test_an_end_record_shows_both_statuses() -> None:
    body = FCGIRecord(END).contentData
    assert (body.appStatus, body.protocolStatus) == (42, 2)
    assert body.sprintf("%protocolStatus%") == "FCGI_OVERLOADED"


@pytest.mark.parametrize(
    ("content", "raw"),
    [
        pytest.param(FCGIBeginRequestBody(flags="FCGI_KEEP_CONN"), BEGIN, id="begin"),
        pytest.param(FCGIEndRequestBody(appStatus=42, protocolStatus=2), END, id="end"),
    ],
)
def test_a_crafted_record_computes_its_lengths(content: FCGIRecord, raw: bytes) -> None:
    assert bytes(FCGIRecord(type=raw[1], contentData=content)) == raw


def test_padding_is_counted_when_a_record_is_built() -> None:
    pairs = FCGIPairs.of([(b"REQUEST_METHOD", b"X")])
    record = FCGIRecord(type="FCGI_PARAMS", contentData=pairs, paddingData=bytes(7))
    assert bytes(record) == PARAMS


@pytest.mark.parametrize(
    ("name", "value", "lengths"),
    [
        pytest.param(b"n" * 127, b"", b"\x7f\x00", id="longest one-byte length"),
        pytest.param(b"n" * 128, b"", b"\x80\x00\x00\x80\x00", id="shortest four-byte length"),
        pytest.param(b"", b"v" * 300, b"\x00\x80\x00\x01\x2c", id="long value, no name"),
    ],
)
def test_lengths_take_one_byte_or_four(name: bytes, value: bytes, lengths: bytes) -> None:
    raw = bytes(FCGIPairs.of([(name, value)]))
    assert raw == lengths + name + value
    assert FCGIPairs(raw).as_list() == [(name, value)]


def test_a_pair_over_two_records_stays_raw_until_it_is_joined() -> None:
    whole = bytes(FCGIPairs.of([(b"A", b"1"), (b"LONG_NAME", b"value")]))
    parts = [
        FCGIRecord(type="FCGI_PARAMS", contentData=Raw(whole[:9])),
        FCGIRecord(type="FCGI_PARAMS", contentData=Raw(whole[9:])),
    ]
    stream = FCGI(b"".join(map(bytes, parts)))
    assert [type(r.contentData) for r in stream.records] == [Raw, Raw]
    pairs = FCGIPairs(joined(stream.records, kind=4, request_id=1)).as_list()
    assert pairs == [(b"A", b"1"), (b"LONG_NAME", b"value")]


@pytest.mark.parametrize("cut", range(1, 14))
def test_whole_pairs_sees_every_cut(cut: int) -> None:
    whole = b"\x01\x01" + b"A1" + b"\x80\x00\x00\x03\x02" + b"ABC12"
    assert whole_pairs(whole)
    assert whole_pairs(whole[:cut]) == (cut == 4)


def test_streams_keep_their_bytes_and_ids_apart() -> None:
    def stdout(request_id: int, data: bytes) -> bytes:
        return bytes(FCGIRecord(type=6, requestId=request_id, contentData=Raw(data)))

    stream = FCGI(stdout(1, b"one") + stdout(2, b"two") + stdout(1, b"") + stdout(2, b"!"))
    assert [r.contentLength for r in stream.records] == [3, 3, 0, 1]
    assert joined(stream.records, kind=6, request_id=1) == b"one"
    assert joined(stream.records, kind=6, request_id=2) == b"two!"


def test_management_records_have_bodies_of_their_own() -> None:
    asked = FCGIRecord(bytes.fromhex("0109000000100000 0e00") + b"FCGI_MAX_CONNS")
    assert asked.contentData.as_list() == [(b"FCGI_MAX_CONNS", b"")]
    unknown = FCGIRecord(bytes.fromhex("010b000000080000 0900000000000000"))
    assert isinstance(unknown.contentData, FCGIUnknownTypeBody)
    assert unknown.contentData.type == 9


def test_a_fixed_body_of_another_size_is_not_forced_into_its_struct() -> None:
    short = FCGIRecord(b"\x01\x03\0\1\0\4\0\0" + b"abcd")
    assert bytes(short.contentData) == b"abcd"
    assert isinstance(short.contentData, Raw)


def test_the_answer_of_a_whole_direction_dissects_and_builds_again() -> None:
    raw = BEGIN + PARAMS + bytes(FCGIRecord(type=4)) + bytes(FCGIRecord(type=5)) + END
    stream = FCGI(raw)
    assert [r.type for r in stream.records] == [1, 4, 4, 5, 3]
    assert bytes(stream) == raw
    rebuilt = FCGI(records=[r.copy() for r in stream.records])
    rebuilt.clear_cache()
    assert bytes(rebuilt) == raw


def test_reassembly_gives_whole_records_and_keeps_the_rest() -> None:
    assert FCGI.tcp_reassemble(BEGIN[:10], {}, {}) is None
    pkt = FCGI.tcp_reassemble(BEGIN + END[:5], {}, {})
    assert pkt is not None
    assert len(pkt.records) == 1
    assert pkt.payload.load == END[:5]


def test_ports_are_bound_only_while_asked_for() -> None:
    frame = bytes(IP() / TCP(sport=50000, dport=19000) / Raw(BEGIN))
    assert FCGI not in IP(frame)
    with layers.bound(fastcgi=19000):
        assert IP(frame)[FCGI].records[0].contentData.role == 1
    assert FCGI not in IP(frame)
