"""What the layers share: a packet that stands in a list."""

from scapy.packet import Packet


class Whole(Packet):
    """A packet inside a list: what follows it is its neighbour, not its payload."""

    def extract_padding(self, s: bytes) -> tuple[bytes, bytes]:
        return b"", s
