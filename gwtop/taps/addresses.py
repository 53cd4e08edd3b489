"""An address and a port as text, as `wire/endpoint` writes what it finds in frames.

In: bytes as in a socket. Out: "127.0.0.1:80", "[::1]:80". An IPv4 peer of a socket of both
families is written as IPv4: that is what its frames are.
"""

from functools import lru_cache
from socket import AF_INET, AF_INET6, inet_ntop

MAPPED = bytes(10) + b"\xff\xff"  # RFC 4291 2.5.5.2


@lru_cache(maxsize=4096)
def host(address: bytes) -> str:
    """`address`: 4 or 16 bytes."""
    if len(address) == 4:
        return inet_ntop(AF_INET, address)
    if address.startswith(MAPPED):
        return inet_ntop(AF_INET, address[12:])
    return f"[{inet_ntop(AF_INET6, address)}]"


def endpoint(address: bytes, port: int) -> str:
    return f"{host(address)}:{port}"


def of_socket(address: object) -> str:
    """What `accept` and `getsockname` say: an address and port, or a path; an unnamed unix peer
    is "unix:"."""
    match address:
        case (str(ip), int(port), *_):
            return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"
        case str(path):
            return f"unix:{path}"
    return "unix:"
