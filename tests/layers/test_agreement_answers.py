"""Layers and decoders on answers: the server's half of what test_agreement.py compares of requests.

In: answers that hypothesis made up, built by the scapy layers; and the committed captures. Out: a
failure where the two disagree on a status, a field, a body or an end. Where the protocol frames no
answers (SCGI, uwsgi) the witness is the standard library's parser of header fields.
"""

from collections.abc import Callable, Iterator
from email.parser import BytesHeaderParser
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.packet import Raw

from gwtop.layers import ajp, fastcgi
from gwtop.nouns.events import Body, ErrorText, Event, RequestHead, ResponseEnd, ResponseHead
from gwtop.nouns.wire import Side
from gwtop.protocols import discover
from tests._replay import truth_of
from tests.layers.test_agreement import BUILD, CAPTURED, PROTOCOLS, Pairs, message_of, streams, told


class Answer(NamedTuple):
    status: int
    fields: Pairs
    """Without the Status field."""
    body: bytes
    error_text: bytes = b""
    failed: bool = False


TOKEN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~"
NAMES = st.text(TOKEN, min_size=1, max_size=12).map(lambda name: b"X-" + name.encode())
VISIBLE = bytes(n for n in range(0x21, 0x100) if not 0x7F <= n < 0xA1)
VALUES = st.lists(st.sampled_from(VISIBLE), min_size=1, max_size=20).map(bytes)
ANSWERS = st.builds(
    Answer,
    st.sampled_from((200, 201, 302, 404, 500, 599)),
    st.lists(st.tuples(NAMES, VALUES), max_size=8),
    st.binary(max_size=3000),
    st.just(b""),
    st.just(False),
)
SIZES = st.lists(st.integers(1, 900), min_size=1, max_size=6)
"""Of the records or chunks that an answer comes in; the last one counts for all that follow."""


def cut(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    sizes = list(sizes)
    while data:
        size = sizes.pop(0) if len(sizes) > 1 else sizes[0]
        yield data[:size]
        data = data[size:]


def document(answer: Answer, first_line: bytes) -> bytes:
    lines = [first_line, *(name + b": " + value for name, value in answer.fields), b"", b""]
    return b"\r\n".join(lines) + answer.body


def fastcgi_answer(answer: Answer, sizes: list[int]) -> bytes:
    def record(kind: int, content: Any) -> fastcgi.FCGIRecord:
        return fastcgi.FCGIRecord(type=kind, contentData=content, paddingData=bytes(kind))

    whole = document(answer, b"Status: %d" % answer.status)
    records = [record(6, Raw(piece)) for piece in cut(whole, sizes)]
    errors = [record(7, Raw(piece)) for piece in cut(answer.error_text, sizes)]
    records[len(records) // 2 : len(records) // 2] = errors
    end = fastcgi.FCGIEndRequestBody(appStatus=3, protocolStatus=2 if answer.failed else 0)
    return bytes(fastcgi.FCGI(records=[*records, record(6, Raw()), record(3, end)]))


def ajp_answer(answer: Answer, sizes: list[int]) -> bytes:
    fields = [
        ajp.AJPResponseHeader(res_header_name=name, res_header_value=value)
        for name, value in answer.fields
    ]
    head = ajp.AJPSendHeaders(http_status_code=answer.status, response_headers=fields)
    chunks = [ajp.AJPSendBodyChunk(chunk=piece) for piece in cut(answer.body, sizes)]
    packets = [head, *chunks, ajp.AJPEndResponse()]
    return bytes(ajp.AJP(packets=[ajp.AJP13(magic=0x4142, data=each) for each in packets]))


ANSWER: dict[str, Callable[[Answer, list[int]], bytes]] = {
    "ajp": ajp_answer,
    "fastcgi": fastcgi_answer,
    "scgi": lambda answer, _: document(answer, b"Status: %d" % answer.status),
    "uwsgi": lambda answer, _: document(answer, b"HTTP/1.1 %d Fine" % answer.status),
}


def decoded(protocol: str, data: bytes, sizes: list[int]) -> list[Event]:
    decoder = discover()[protocol].Decoder(True)
    pairs, _ = message_of({}, b"")
    events = decoder.feed(Side.CLIENT, BUILD[protocol](pairs, b""), 1)
    for piece in cut(data, sizes[::-1]):
        events += decoder.feed(Side.SERVER, piece, 2)
    return events + decoder.close(Side.SERVER, 3)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(answer=ANSWERS, sizes=SIZES, error_text=st.binary(max_size=200), failed=st.booleans())
def test_an_answer_that_a_layer_builds_a_decoder_reads(
    protocol: str, answer: Answer, sizes: list[int], error_text: bytes, failed: bool
) -> None:
    if protocol == "fastcgi":
        answer = answer._replace(error_text=error_text, failed=failed)
    events = decoded(protocol, ANSWER[protocol](answer, sizes), sizes)
    (head,) = (e for e in events if isinstance(e, ResponseHead))
    fields = discover()[protocol].response_fields(head.block)
    assert head.status == answer.status
    assert [pair for pair in fields if pair[0] != b"Status"] == answer.fields
    parts = [e for e in events if isinstance(e, Body) and e.side is Side.SERVER]
    assert b"".join(part.data for part in parts) == answer.body
    assert b"".join(e.data for e in events if isinstance(e, ErrorText)) == answer.error_text
    assert [e.failed for e in events if isinstance(e, ResponseEnd)] == [answer.failed]


METHODS = [name.encode() for code, name in ajp.METHODS.items() if code != 0xFF]
TARGETS = st.text("abcXYZ019/._~-%=+;:@", max_size=20).map(lambda text: b"/" + text.encode())


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    method=st.sampled_from(METHODS),
    target=TARGETS,
    query=st.none() | TARGETS,
    coded=st.lists(st.tuples(st.sampled_from(sorted(ajp.REQUEST_HEADERS)), VALUES), max_size=6),
    attributes=st.lists(st.tuples(st.sampled_from((1, 2, 3, 4, 6, 8, 9, 12)), VALUES), max_size=5),
)
def test_ajps_coded_methods_headers_and_attributes_mean_the_same_to_both(
    method: bytes,
    target: bytes,
    query: bytes | None,
    coded: list[tuple[int, bytes]],
    attributes: list[tuple[int, bytes]],
) -> None:
    coded = [pair for pair in coded if ajp.REQUEST_HEADERS[pair[0]] != "content-length"]
    known = {name: code for code, name in ajp.METHODS.items()}
    with_query = [*attributes, *([] if query is None else [(5, query)])]
    request = ajp.AJPForwardRequest(
        method=known[method.decode()],
        req_uri=target,
        request_headers=[
            ajp.AJPRequestHeader(req_header_name=n, req_header_value=v) for n, v in coded
        ],
        attributes=[ajp.AJPAttribute(attribute_name=n, attribute_value=v) for n, v in with_query],
    )
    module = discover()["ajp"]
    built = bytes(ajp.AJP13(data=request))
    (head,) = (
        e for e in module.Decoder(True).feed(Side.CLIENT, built, 1) if isinstance(e, RequestHead)
    )
    assert head.method == method
    assert head.target == (target if query is None else target + b"?" + query)
    said = [*ajp.AJP13(built).data.headers(), *(a.pair() for a in request.attributes)]
    assert module.request_fields(head.block)[-len(said) or 8 :] == said


# -- captured ------------------------------------------------------------------------------


def fastcgi_answers(stream: bytes) -> Iterator[bytes]:
    records: list[fastcgi.FCGIRecord] = []
    for record in fastcgi.FCGI(stream).records:
        records.append(record)
        if record.type == 3:
            yield fastcgi.joined(records, kind=6, request_id=record.requestId)
            records = []
    if records:
        yield fastcgi.joined(records, kind=6, request_id=records[-1].requestId)


def ajp_answers(stream: bytes) -> Iterator[bytes]:
    """As documents, so that they are read as the others are."""
    packets: list[ajp.AJP13] = []
    for packet in ajp.AJP(stream).packets:
        packets.append(packet)
        if isinstance(packet.data, ajp.AJPEndResponse):
            (head,) = (p.data for p in packets if isinstance(p.data, ajp.AJPSendHeaders))
            answer = Answer(head.http_status_code, head.headers(), ajp.joined(packets))
            yield document(answer, b"HTTP/1.1 %d -" % answer.status)
            packets = []


READ: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "ajp": ajp_answers,
    "fastcgi": fastcgi_answers,
    "scgi": lambda stream: iter([stream]),
    "uwsgi": lambda stream: iter([stream]),
}


@pytest.mark.parametrize("name", CAPTURED)
def test_of_a_capture_layer_and_decoder_tell_the_same_answers(name: str) -> None:
    by_way = streams(name)
    n_compared = 0
    for client, facts in told(name).items():
        answered = [fact for fact in facts if fact["status"] is not None]
        stream = b"".join(data for (_, port), data in by_way.items() if port == client)
        answers = READ[name.split("/")[0]](stream)
        # An answer that nobody waited for any more has no fact.
        for fact, answer in zip(answered, answers, strict=len(answered) == len(facts)):
            check_answer(fact, answer)
            n_compared += 1
    n_answered = sum(row["client"]["status"] is not None for row in truth_of(name))
    assert n_compared >= n_answered > 5


def check_answer(fact: dict[str, Any], answer: bytes) -> None:
    """By the standard library's parser, which knows no gateway."""
    line, _, rest = answer.partition(b"\n")
    is_http = line.startswith(b"HTTP/")
    message = BytesHeaderParser().parsebytes(rest if is_http else answer)
    fields = [[name, str(value)] for name, value in message.items()]
    assert fact["response_fields"] == fields
    status = line.split()[1] if is_http else message.get("Status", "200")
    assert fact["status"] == int(status[:3])
    body = answer[min(n for n in (answer.find(b"\r\n\r\n") + 4, len(answer)) if n > 3) :]
    assert fact["response_body_bytes"] == len(body)
