"""SCGI requests for scapy: the specification's own example and what may surround it."""

from gwtop.layers.scgi import SCGI

# The example of the specification, with its byte count.
EXAMPLE = (
    b"70:"
    b"CONTENT_LENGTH\x0027\x00"
    b"SCGI\x001\x00"
    b"REQUEST_METHOD\x00POST\x00"
    b"REQUEST_URI\x00/deepthought\x00"
    b","
    b"What is the answer to life?"
)
PAIRS = [
    (b"CONTENT_LENGTH", b"27"),
    (b"SCGI", b"1"),
    (b"REQUEST_METHOD", b"POST"),
    (b"REQUEST_URI", b"/deepthought"),
]


def test_the_example_of_the_specification_dissects() -> None:
    pkt = SCGI(EXAMPLE)
    assert pkt.length == 70
    assert pkt.as_list() == PAIRS
    assert pkt.comma == b","
    assert pkt.payload.load == b"What is the answer to life?"


def test_the_example_of_the_specification_builds() -> None:
    assert bytes(SCGI.of(PAIRS) / b"What is the answer to life?") == EXAMPLE


def test_empty_values_and_an_empty_body_are_kept() -> None:
    pairs = [(b"CONTENT_LENGTH", b"0"), (b"SCGI", b"1"), (b"QUERY_STRING", b"")]
    raw = bytes(SCGI.of(pairs))
    assert raw == b"38:CONTENT_LENGTH\x000\x00SCGI\x001\x00QUERY_STRING\x00\x00,"
    assert SCGI(raw).as_list() == pairs
    assert not SCGI(raw).payload


def test_a_wrong_length_can_be_crafted() -> None:
    assert bytes(SCGI(length=7)) == b"7:,"


def test_what_is_no_netstring_has_no_headers() -> None:
    assert SCGI(b"GET / HTTP/1.1\r\n").as_list() == []
