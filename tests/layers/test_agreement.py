"""Layers and decoders, written apart from the same specifications, say the same of each message.

In: messages that hypothesis made up, built by the scapy layers; and the committed captures, joined
by sequence number here. Out: a failure where the two disagree on a variable, a value or a body.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import TCP
from scapy.packet import Raw
from scapy.utils import rdpcap

from gwtop.layers import ajp, fastcgi, scgi, uwsgi
from gwtop.nouns.events import Body, RequestEnd, RequestHead
from gwtop.nouns.wire import Side
from gwtop.protocols import discover
from tests._replay import CAPTURES, replay, truth_of

Pairs = list[tuple[bytes, bytes]]
Message = tuple[Pairs, bytes]
"""The variables of a request in wire order, and its body."""

ORIGINAL = b"".join(b"%c" % n for n in range(1, 256))


def name_text() -> st.SearchStrategy[bytes]:
    return st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ_", min_size=1, max_size=200).map(str.encode)


def value_bytes() -> st.SearchStrategy[bytes]:
    return st.lists(st.sampled_from(ORIGINAL), max_size=300).map(bytes)


def message_of(variables: dict[bytes, bytes], body: bytes) -> Message:
    """What every protocol here needs comes first; made-up names do not collide with it."""
    first = [(b"CONTENT_LENGTH", b"%d" % len(body)), (b"SCGI", b"1")]
    first += [(b"REQUEST_METHOD", b"POST"), (b"REQUEST_URI", b"/made-up")]
    return first + [(b"X_" + name, value) for name, value in variables.items()], body


def fastcgi_bytes(pairs: Pairs, body: bytes) -> bytes:
    def record(kind: int, content: Any) -> fastcgi.FCGIRecord:
        return fastcgi.FCGIRecord(type=kind, contentData=content)

    records = [record(1, fastcgi.FCGIBeginRequestBody())]
    records += [record(4, fastcgi.FCGIPairs.of(pairs)), record(4, Raw())]
    records += [record(5, Raw(body))] if body else []
    return bytes(fastcgi.FCGI(records=[*records, record(5, Raw())]))


def ajp_bytes(pairs: Pairs, body: bytes) -> bytes:
    headers = [(b"content-length", b"%d" % len(body)), *pairs[4:]]
    request = ajp.AJPForwardRequest(
        method="POST",
        req_uri=b"/made-up",
        request_headers=[
            ajp.AJPRequestHeader(req_header_name=n, req_header_value=v) for n, v in headers
        ],
    )
    packets = [ajp.AJP13(data=request)]
    packets += [ajp.AJP13(data=ajp.AJPRequestBody(chunk=body))] if body else []
    return bytes(ajp.AJP(packets=packets))


BUILD: dict[str, Callable[[Pairs, bytes], bytes]] = {
    "ajp": ajp_bytes,
    "fastcgi": fastcgi_bytes,
    "scgi": lambda pairs, body: bytes(scgi.SCGI.of(pairs)) + body,
    "uwsgi": lambda pairs, body: bytes(uwsgi.UWSGI.of(pairs)) + body,
}
PROTOCOLS = sorted(set(BUILD) & set(discover()))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    variables=st.dictionaries(name_text(), value_bytes(), max_size=12),
    body=st.binary(max_size=4000),
)
def test_what_a_layer_builds_a_decoder_reads(
    protocol: str, variables: dict[bytes, bytes], body: bytes
) -> None:
    pairs, _ = message_of(variables, body)
    module = discover()[protocol]
    events = module.Decoder(True).feed(Side.CLIENT, BUILD[protocol](pairs, body), 1)
    (head,) = (e for e in events if isinstance(e, RequestHead))
    assert (head.method, head.target) == (b"POST", b"/made-up")
    made_up = [pair for pair in module.request_fields(head.block) if pair[0].startswith(b"X_")]
    assert made_up == pairs[4:]
    assert b"".join(e.data for e in events if isinstance(e, Body)) == body
    assert any(isinstance(e, RequestEnd) for e in events)


def streams(name: str) -> dict[tuple[int, int], bytes]:
    """Payload by (sender's port, receiver's port), in order of sequence numbers."""
    parts: dict[tuple[int, int], dict[int, bytes]] = defaultdict(dict)
    for packet in rdpcap(str(CAPTURES / f"{name}.pcap")):
        tcp = packet[TCP]
        if data := bytes(tcp.payload):
            parts[tcp.sport, tcp.dport][tcp.seq] = data
    return {way: b"".join(by_seq[s] for s in sorted(by_seq)) for way, by_seq in parts.items()}


def fastcgi_messages(stream: bytes) -> Iterator[Message]:
    begun: list[list[fastcgi.FCGIRecord]] = []
    for record in fastcgi.FCGI(stream).records:
        if record.type == 1:
            begun.append([])
        begun[-1].append(record)
    for records in begun:
        params = fastcgi.joined(records, kind=4, request_id=1)
        yield fastcgi.FCGIPairs(params).as_list(), fastcgi.joined(records, 5, 1)


def ajp_messages(stream: bytes) -> Iterator[Message]:
    begun: list[list[ajp.AJP13]] = []
    for packet in ajp.AJP(stream).packets:
        if isinstance(packet.data, ajp.AJPForwardRequest):
            begun.append([])
        begun[-1].append(packet)
    for packets in begun:
        yield packets[0].data.headers(), ajp.joined(packets)


def one_message(layer: Any) -> Callable[[bytes], Iterator[Message]]:
    def messages(stream: bytes) -> Iterator[Message]:
        packet = layer(stream)
        yield packet.as_list(), bytes(packet.payload)

    return messages


READ: dict[str, Callable[[bytes], Iterator[Message]]] = {
    "ajp": ajp_messages,
    "fastcgi": fastcgi_messages,
    "scgi": one_message(scgi.SCGI),
    "uwsgi": one_message(uwsgi.UWSGI),
}
CAPTURED = sorted(
    path.relative_to(CAPTURES).with_suffix("").as_posix()
    for protocol in PROTOCOLS
    for path in (CAPTURES / protocol).glob("*.pcap")
)


def told(name: str) -> dict[int, list[dict[str, Any]]]:
    """The request facts by the client's port, in order of the connection."""
    by_port: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for fact in map(json.loads, replay(name, show_secrets=True)):
        if fact["type"] == "request":
            by_port[int(fact["client"].split(":")[1])].append(fact)
    return {
        port: sorted(facts, key=lambda f: int(f["sequence"])) for port, facts in by_port.items()
    }


@pytest.mark.parametrize("name", CAPTURED)
def test_of_a_capture_layer_and_decoder_tell_the_same_requests(name: str) -> None:
    protocol, facts_by_port, n_compared = name.split("/")[0], told(name), 0
    for (sender, _), stream in streams(name).items():
        if sender in facts_by_port:  # the other direction is the answers
            messages = list(READ[protocol](stream))
            for fact, message in zip(facts_by_port[sender], messages, strict=True):
                check_request(protocol, fact, message)
                n_compared += 1
    assert n_compared == len(truth_of(name))


def check_request(protocol: str, fact: dict[str, Any], message: Message) -> None:
    pairs, body = message
    fields = [tuple(pair) for pair in fact["fields"]]
    said = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs]
    if protocol == "ajp":  # its fields hold the attributes, too
        fields = [pair for pair in fields if pair in said]
    assert fields == said
    assert fact["request_body_bytes"] == len(body)
