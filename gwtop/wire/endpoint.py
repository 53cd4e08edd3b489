"""An address and a port as text. In: bytes as on the wire; out: "127.0.0.1:80", "[::1]:80".

Knows no sockets; the form is the one of RFC 5952 (sections 4 and 6), which `inet_ntop` also
writes, so endpoints of other taps compare as text. `ipaddress` would do, but its form of
IPv4-mapped addresses changed between Python 3.12 and 3.13.
"""

from functools import lru_cache

_MAPPED = bytes(10) + b"\xff\xff"  # RFC 4291 2.5.5.2


def endpoint(raw: bytes) -> str:
    """`raw`: 4 or 16 bytes of address, then 2 of port."""
    return f"{_host(raw[:-2])}:{raw[-2] << 8 | raw[-1]}"


@lru_cache(maxsize=4096)
def _host(address: bytes) -> str:
    return _ipv4(address) if len(address) == 4 else f"[{_ipv6(address)}]"


def _ipv4(address: bytes) -> str:
    return ".".join(map(str, address))


def _ipv6(address: bytes) -> str:
    if address.startswith(_MAPPED):
        return f"::ffff:{_ipv4(address[12:])}"
    words = [f"{address[i] << 8 | address[i + 1]:x}" for i in range(0, 16, 2)]
    start, n_zeros = _longest_zeros(words)
    if n_zeros < 2:  # RFC 5952 4.2.2: one zero is not shortened
        return ":".join(words)
    return f"{':'.join(words[:start])}::{':'.join(words[start + n_zeros :])}"


def _longest_zeros(words: list[str]) -> tuple[int, int]:
    """Start and length of the longest run of zero words, the first of equals."""
    best = (0, 0)
    start = 0
    for index in range(len(words) + 1):
        if index < len(words) and words[index] == "0":
            continue
        if index - start > best[1]:
            best = (start, index - start)
        start = index + 1
    return best
