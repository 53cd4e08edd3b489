"""Scapy layers for the gateway protocols, one file each: field trees, crafting, a second opinion.

In: bytes, or fields. Out: scapy `Packet`s with the field names of the specifications. They know
nothing of gwtop's decoders and share no code with them: in the tests each is the other's witness.

    >>> from gwtop.layers.fastcgi import FCGI
    >>> FCGI(bytes_of_one_direction).show()

Importing a layer binds nothing: a scapy session is somebody's own, and a protocol without a port
of its own has no business in its global tables. `bind` does it when asked:

    >>> import gwtop.layers
    >>> gwtop.layers.bind(fastcgi=9000, scgi=[4000, 4001])
    >>> sniff(offline="some.pcap", session=TCPSession)
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module

from scapy.packet import Packet, bind_layers, split_layers


def layer_of(protocol: str) -> type[Packet]:
    """The class of one direction's byte stream. Raises ModuleNotFoundError for an unknown name."""
    layer: type[Packet] = import_module(f"{__name__}.{protocol}").STREAM
    return layer


def _ports(given: int | Iterable[int]) -> list[int]:
    return [given] if isinstance(given, int) else list(given)


def bind(**ports: int | Iterable[int]) -> None:
    """Let scapy dissect these server ports, both directions, as the named protocols."""
    from scapy.layers.inet import TCP  # 400 ms

    for protocol, given in ports.items():
        for port in _ports(given):
            bind_layers(TCP, layer_of(protocol), dport=port)
            bind_layers(TCP, layer_of(protocol), sport=port)


def unbind(**ports: int | Iterable[int]) -> None:
    """Takes back what `bind` did."""
    from scapy.layers.inet import TCP  # 400 ms

    for protocol, given in ports.items():
        for port in _ports(given):
            split_layers(TCP, layer_of(protocol), dport=port)
            split_layers(TCP, layer_of(protocol), sport=port)


@contextmanager
def bound(**ports: int | Iterable[int]) -> Iterator[None]:
    """`bind` for the length of a `with` block."""
    bind(**ports)
    try:
        yield
    finally:
        unbind(**ports)
