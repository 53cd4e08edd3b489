"""Segments of one conversation, written as a script: what each side sends, in bytes from 0."""

from gwtop.nouns.wire import Chunk, Closed, Lost, Opened, Segment, Side
from gwtop.wire.half import Told
from gwtop.wire.tcp import Reassembler

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
CLIENT_ISN, SERVER_ISN = 1000, 5000
C, S = Side.CLIENT, Side.SERVER


def address(last: int, port: int) -> tuple[bytes, bytes]:
    return bytes([10, 0, 0, last]), port.to_bytes(2, "big")


class Talk:
    """Builds the segments of one 4-tuple; positions are bytes of the stream, from 0."""

    def __init__(
        self,
        client_port: int = 40000,
        server_port: int = 9000,
        isns: tuple[int, int] = (CLIENT_ISN, SERVER_ISN),
        hosts: tuple[int, int] = (1, 2),
    ) -> None:
        client, server = address(hosts[0], client_port), address(hosts[1], server_port)
        self.flows = {
            C: client[0] + server[0] + client[1] + server[1],
            S: server[0] + client[0] + server[1] + client[1],
        }
        self.isns = dict(zip((C, S), isns, strict=True))
        self.at = 0

    def raw(
        self, side: Side, seq: int, ack: int, flags: int, data: bytes = b"", cut_bytes: int = 0
    ) -> Segment:
        self.at += 1
        seq, ack = seq & 0xFFFFFFFF, ack & 0xFFFFFFFF
        return Segment(self.at, self.flows[side], seq, ack, flags, data, cut_bytes)

    def syn(self, side: Side = C, data: bytes = b"") -> Segment:
        return self.raw(side, self.isns[side], 0, SYN, data)

    def syn_ack(self) -> Segment:
        return self.raw(S, self.isns[S], self.isns[C] + 1, SYN | ACK)

    def opening(self) -> list[Segment]:
        return [self.syn(), self.syn_ack()]

    def say(
        self,
        side: Side,
        position: int,
        data: bytes,
        acked: int = 0,
        flags: int = PSH | ACK,
        cut_bytes: int = 0,
    ) -> Segment:
        """`data` at `position` of the side's stream, acknowledging `acked` of the other's."""
        other = S if side is C else C
        seq, ack = self.isns[side] + 1 + position, self.isns[other] + 1 + acked
        return self.raw(side, seq, ack, flags, data, cut_bytes)

    def fin(self, side: Side, position: int, acked: int = 0, data: bytes = b"") -> Segment:
        return self.say(side, position, data, acked, FIN | ACK)

    def rst(self, side: Side, position: int, acked: int = 0) -> Segment:
        return self.say(side, position, b"", acked, RST)


def brief(told: list[Told]) -> list[tuple[object, ...]]:
    """What was told without its times: short enough to write down in a test."""
    lines: list[tuple[object, ...]] = []
    for one in told:
        match one:
            case Opened(_, conn, _, _, from_start):
                lines.append(("opened", conn, from_start))
            case Chunk(_, conn, side, data):
                lines.append((conn, side, data))
            case Lost(_, conn, side, n_bytes, _):
                lines.append((conn, side, n_bytes))
            case Closed(_, conn, side, how):
                lines.append((conn, side, how))
    return lines


OPENED = ("opened", 1, True)
JOINED = ("opened", 1, False)


def told(*segments: Segment, ports: tuple[int, ...] = (9000,)) -> list[tuple[object, ...]]:
    """The same whether fed one by one or as a batch."""
    one_by_one, batch = Reassembler(ports), Reassembler(ports)
    lines = brief([line for segment in segments for line in one_by_one.feed(segment)])
    assert brief(batch.feed_all(segments)) == lines
    return lines


def closing(talk: Talk, client: int, server: int) -> list[Segment]:
    return [talk.fin(S, server, client), talk.fin(C, client, server + 1)]
