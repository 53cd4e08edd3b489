"""The text of endpoints; the C library's inet_ntop is the witness."""

import socket

from hypothesis import given
from hypothesis import strategies as st

from gwtop.wire.endpoint import endpoint

SPARSE = st.lists(st.sampled_from([0, 0, 0, 1, 0xFF, 0xFFFF, 0x20]), min_size=8, max_size=8)


def test_an_ipv4_endpoint_is_dotted() -> None:
    assert endpoint(bytes([127, 0, 0, 1, 0x23, 0x28])) == "127.0.0.1:9000"


def test_an_ipv6_endpoint_stands_in_brackets() -> None:
    assert endpoint(bytes(15) + b"\x01" + b"\x23\x28") == "[::1]:9000"


@given(SPARSE)
def test_ipv6_is_written_as_inet_ntop_writes_it(words: list[int]) -> None:
    raw = b"".join(word.to_bytes(2, "big") for word in words)
    if raw.startswith(bytes(12)) and raw > bytes(14) + b"\xff\xff":
        return  # IPv4-compatible addresses, deprecated (RFC 4291 2.5.5.1)
    assert endpoint(raw + b"\0\x50") == f"[{socket.inet_ntop(socket.AF_INET6, raw)}]:80"


def test_an_ipv4_mapped_address_ends_dotted_on_every_python() -> None:
    raw = bytes(10) + b"\xff\xff" + bytes([10, 1, 2, 3])
    assert endpoint(raw + b"\0\x50") == "[::ffff:10.1.2.3]:80"
