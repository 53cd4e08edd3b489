"""What a protocol's `dissect` says of each byte, the scapy layer of that protocol says too.

In: the committed captures, and messages that are cut, mangled or made up. Out: a failure where a
field has another name, begins at another byte, or is left out by one of the two.
"""

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.fields import ConditionalField
from scapy.packet import Packet, Raw

from gwtop.layers import layer_of
from gwtop.nouns.wire import CLIENT, SERVER, Side
from gwtop.protocols import discover
from gwtop.protocols._dissect import MAX_FIELDS, MAX_RECORDS, Dissected, Field, WireRecord
from tests._replay import truth_of
from tests.layers.test_agreement import BUILD, CAPTURED, streams, told

Leaf = tuple[str, bytes]
OPAQUE = ("STDOUT", "STDERR", "STDIN", "DATA")
"""Records whose content is a stream to the layer, which knows one record at a time."""


def of_layer(packet: Packet) -> Iterator[Leaf]:
    """Every field of a packet with its bytes, in wire order."""
    for described in packet.fields_desc:
        field = described.fld if isinstance(described, ConditionalField) else described
        if isinstance(described, ConditionalField) and not described._evalcond(packet):
            continue
        value = packet.getfieldval(field.name)
        if isinstance(value, Raw):
            yield field.name, bytes(value)
        elif isinstance(value, Packet):
            yield from of_layer(value)
        elif isinstance(value, list):
            for inner in value:
                yield from of_layer(inner)
        else:
            yield field.name, bytes(field.addfield(packet, b"", value))


def children_of(record: WireRecord) -> list[tuple[Field, bool]]:
    """Each field, and whether it has parts."""
    found = []
    for place, field in enumerate(record.fields):
        after = record.fields[place + 1 : place + 2]
        found.append((field, bool(after) and inside(after[0], field)))
    return found


def inside(inner: Field, outer: Field) -> bool:
    return outer.span.offset <= inner.span.offset and inner.span.end <= outer.span.end


def of_dissect(found: Dissected, data: bytes) -> Iterator[Leaf]:
    for record in found.records:
        stream = record.name.removesuffix(", cut") in OPAQUE
        beyond = 0
        for field, has_parts in children_of(record):
            whole = stream and field.name == "contentData"
            if (has_parts and not whole) or field.span.offset < beyond:
                continue
            beyond = field.span.end if whole else 0
            yield field.name, data[field.span.offset : field.span.end]


def exchanges(protocol: str, side: Side, data: bytes) -> Iterator[tuple[Dissected, bytes]]:
    """One after the other, each with its bytes: of a connection that was kept."""
    while data:
        found = discover()[protocol].dissect(side, data, 1)
        end = found.records[-1].span.end
        yield found, data[:end]
        data = data[end:]


def compare(protocol: str, found: Dissected, data: bytes) -> int:
    """How many fields were compared."""
    packet = layer_of(protocol)(data)
    layer = [leaf for leaf in of_layer(packet) if leaf[1]]
    if bytes(packet.payload):
        layer.append(("body", bytes(packet.payload)))
    ours = [leaf for leaf in of_dissect(found, data) if leaf[1]]
    assert ours == layer
    return len(ours)


@pytest.mark.parametrize("name", CAPTURED)
def test_every_field_of_a_capture_is_the_layers(name: str) -> None:
    protocol = name.split("/")[0]
    clients = told(name)
    n_fields = 0
    for (sender, _), data in streams(name).items():
        side = CLIENT if sender in clients else SERVER
        if side is SERVER and protocol not in ("fastcgi", "ajp"):
            continue  # of the other two an answer has no records
        for found, part in exchanges(protocol, side, data):
            n_fields += compare(protocol, found, part)
    assert n_fields > 40 * len(truth_of(name))


def covered(record: WireRecord) -> bool:
    """The top fields of a record lie end to end and are all of it."""
    at = record.span.offset
    for field in record.fields:
        if field.span.offset >= at:
            if field.span.offset != at:
                return False
            at = field.span.end
    return at == record.span.end


@pytest.mark.parametrize("name", CAPTURED)
def test_records_and_their_fields_cover_every_byte_once(name: str) -> None:
    protocol, clients = name.split("/")[0], told(name)
    for (sender, _), data in streams(name).items():
        side = CLIENT if sender in clients else SERVER
        for found, part in exchanges(protocol, side, data):
            at = 0
            for record in found.records:
                assert record.span.offset == at
                assert covered(record), record
                at = record.span.end
            assert at == len(part)


def check_bounds(found: Dissected, data: bytes) -> None:
    assert len(found.records) <= MAX_RECORDS + 1
    assert sum(len(r.fields) for r in found.records) <= 3 * MAX_FIELDS + 10 * len(found.records)
    for record in found.records:
        assert 0 <= record.span.offset <= record.span.end <= len(data)
        for field in record.fields:
            assert record.span.offset <= field.span.offset
            assert field.span.end <= record.span.end
            if not isinstance(field.value, str):
                assert all(0 <= s.offset <= s.end <= len(data) for s in field.value)


@pytest.mark.parametrize("protocol", sorted(discover()))
@pytest.mark.parametrize("side", [CLIENT, SERVER], ids=["client", "server"])
@settings(max_examples=80, deadline=None, derandomize=True)
@given(data=st.binary(max_size=600))
def test_no_bytes_break_it(protocol: str, side: Side, data: bytes) -> None:
    for start in (
        b"",
        b"\1\1\0\1\0\x08\0\0",
        b"\0\x40\0\0",
        b"\x12\x34\0\x40\2",
        b"9:",
        b"AB\0\x20\4",
    ):
        check_bounds(discover()[protocol].dissect(side, start + data, 1), start + data)


@pytest.mark.parametrize("name", CAPTURED)
def test_mangled_captures_do_not_break_it(name: str) -> None:
    rng = random.Random(7)
    protocol = name.split("/")[0]
    for data in streams(name).values():
        for _ in range(20):
            bent = bytearray(data[: rng.randrange(len(data) + 1)])
            for _ in range(min(4, len(bent))):
                bent[rng.randrange(len(bent))] = rng.randrange(256)
            for side in (CLIENT, SERVER):
                check_bounds(discover()[protocol].dissect(side, bytes(bent), 1), bytes(bent))


@pytest.mark.parametrize(
    ("protocol", "side", "data"),
    [
        pytest.param("fastcgi", CLIENT, b"\1\5\0\1\0\0\0\0" * 16_000, id="empty records"),
        pytest.param("fastcgi", CLIENT, b"\1\4\0\1\xff\xfe\0\0" + b"\0\0" * 32_767, id="pairs"),
        pytest.param("ajp", SERVER, b"AB\0\1\x09" * 26_000, id="pongs"),
        pytest.param("http", SERVER, b"HTTP/1.1 200 OK\r\n" + b"a:\n" * 40_000, id="fields"),
        pytest.param(
            "http",
            SERVER,
            b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n" + b"1\nx\n" * 30_000,
            id="chunks",
        ),
        pytest.param("scgi", CLIENT, b"130000:" + b"\0" * 130_000 + b",", id="empty headers"),
        pytest.param("uwsgi", CLIENT, b"\0\xfc\xff\0" + b"\0" * 65_532, id="empty variables"),
    ],
)
def test_of_a_flood_of_fields_the_first_are_told(protocol: str, side: Side, data: bytes) -> None:
    found = discover()[protocol].dissect(side, data, 1)
    check_bounds(found, data)
    assert found.records[-1].span.end == len(data)


def test_of_two_interleaved_requests_each_has_its_own_records() -> None:
    one = BUILD["fastcgi"]([(b"REQUEST_METHOD", b"GET")], b"one")
    two = one.replace(b"\0\1\0", b"\0\2\0")
    found = discover()["fastcgi"].dissect(CLIENT, one + two, 1)
    assert [r.span.end <= len(one) for r in found.records] == [True] * len(found.records)
    assert found.at(tuple(found.body)) == b"one"
