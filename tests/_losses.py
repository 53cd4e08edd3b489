"""What goes wrong with a capture, done on purpose, and what must then still be true.

In: a pcap of Ethernet, IPv4 and TCP as tcpdump wrote it. Out: the same with packets missing, in
another order, twice or cut, and how many stream bytes that took away, counted here by sequence
numbers and not by gwtop. Then `wrong`: everything a damaged run says that the whole one denies.
"""

import json
import random
import struct
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gwtop import journal
from gwtop.nouns.plan import Plan
from gwtop.taps.files import open_capture
from gwtop.tracker import Tracker

Fact = dict[str, Any]
Flow = tuple[bytes, bytes]
FIN, SYN, RST, ACK = 1, 2, 4, 16
MASK = 0xFFFFFFFF
HEADERS_BYTES = 24  # of the file; pcap-savefile(5)


@dataclass(frozen=True)
class Packet:
    """One record, and what its TCP header says."""

    stamp: bytes
    """Seconds and microseconds, as in the file."""
    data: bytes
    """Captured."""
    wire_bytes: int
    flow: Flow
    flags: int
    seq: int
    ack: int
    head_bytes: int
    """Of Ethernet, IP and TCP."""

    @property
    def at_us(self) -> int:
        """Of the day, as `micros`."""
        seconds, micros = struct.unpack("<II", self.stamp)
        return int(seconds) % 86_400 * 1_000_000 + int(micros)

    @property
    def payload_bytes(self) -> int:
        """On the wire: loopback's offloads make no padding."""
        return self.wire_bytes - self.head_bytes

    @property
    def seen_bytes(self) -> int:
        return max(len(self.data) - self.head_bytes, 0)

    @property
    def connection(self) -> frozenset[bytes]:
        return frozenset(self.flow)


def parse(pcap: bytes) -> tuple[bytes, list[Packet]]:
    """The file's header and its packets (RFC 791 3.1, RFC 9293 3.1)."""
    at, told = HEADERS_BYTES, []
    while at < len(pcap):
        n_bytes, wire_bytes = struct.unpack_from("<II", pcap, at + 8)
        data = pcap[at + 16 : at + 16 + n_bytes]
        tcp = 14 + (data[14] & 15) * 4
        seq, ack, size, flags = struct.unpack_from(">IIBB", data, tcp + 4)
        flow = (data[26:30] + data[tcp : tcp + 2], data[30:34] + data[tcp + 2 : tcp + 4])
        head_bytes = tcp + (size >> 4) * 4
        stamp = pcap[at : at + 8]
        told.append(Packet(stamp, data, wire_bytes, flow, flags, seq, ack, head_bytes))
        at += 16 + n_bytes
    return pcap[:HEADERS_BYTES], told


def build(header: bytes, packets: Iterable[Packet]) -> bytes:
    pieces = [header]
    for one in packets:
        pieces += [one.stamp, struct.pack("<II", len(one.data), one.wire_bytes), one.data]
    return b"".join(pieces)


def facts_of(pcap: bytes, folder: Path, port: int) -> list[Fact]:
    """What gwtop reads from it, in this process."""
    file = folder / "damaged.pcap"
    file.write_bytes(pcap)
    plan = Plan(file=str(file), ports=(port,), details=True, show_secrets=True)
    tap, tracker, told = open_capture(str(file), plan), Tracker(plan, live=False), []
    while not tap.ended:
        for record in tap.read(0):
            told += tracker.ingest(record)
    tap.close()
    told += tracker.finish(0)
    return [json.loads(journal.encode(fact)) for fact in told]


# -- damages ----------------------------------------------------------------------------------


def drop(packets: list[Packet], seed: int, share: float, spared: int = RST) -> list[Packet]:
    """Without a share of them, but with those that have one of the `spared` flags: a reset is one
    packet without a byte, and often the only word that nobody read an answer."""
    rng = random.Random(seed)
    return [p for p in packets if rng.random() >= share or p.flags & spared]


def cut(packets: list[Packet], n_bytes: int) -> list[Packet]:
    return [replace(p, data=p.data[:n_bytes]) for p in packets]


def double(packets: list[Packet], seed: int) -> list[Packet]:
    """Each packet twice, the second one up to nine packets later."""
    rng = random.Random(seed)
    places = [(float(n), p) for n, p in enumerate(packets)]
    places += [(n + rng.random() * 9, p) for n, p in enumerate(packets)]
    return [p for _, p in sorted(places, key=lambda place: place[0])]


def reorder(packets: list[Packet], seed: int) -> list[Packet]:
    """Packets pass each other, but never what answers them: a sniffer beside the receiver sees no
    ACK before its data. A reset passes nobody."""
    rng, told = random.Random(seed), list(packets)
    # Three places at most: four frames of 64 KiB are what reassembly waits with.
    for start in (0, 1, 0):
        for n in range(start, len(told) - 1, 2):
            one, other = told[n], told[n + 1]
            opposite = one.connection == other.connection and one.flow != other.flow
            again = one.flow == other.flow and one.seq == other.seq  # whose time would it be?
            still = opposite or again or (one.flags | other.flags) & RST
            if rng.random() < 0.4 and not still:
                told[n], told[n + 1] = other, one
    return told


def without_beginning(packets: list[Packet], share: float) -> list[Packet]:
    return packets[int(len(packets) * share) :]


# -- how much is gone -------------------------------------------------------------------------


def lost_bytes(whole: list[Packet], damaged: list[Packet]) -> tuple[int, int]:
    """(at least, at most) how many stream bytes a reader of `damaged` can know to be missing.

    Only what lies before the last byte that a packet shows, or that an ACK proves. A FIN that is
    missing takes a sequence number and cannot be told from a byte. No SYN may be missing. What a
    bare ACK alone proves does not count: capture filters leave those out.
    """
    base: dict[Flow, int] = {}
    ends: dict[Flow, int] = defaultdict(int)
    for p in whole:
        if p.payload_bytes:
            begin = (p.seq - base.setdefault(p.flow, p.seq)) & MASK
            ends[p.flow] = max(ends[p.flow], begin + p.payload_bytes)
    shown: dict[Flow, int] = defaultdict(int)
    spans: dict[Flow, list[tuple[int, int]]] = defaultdict(list)
    for p in damaged:
        begin = (p.seq - base.get(p.flow, p.seq)) & MASK
        if p.flow in base and (p.payload_bytes or p.flags & FIN):
            shown[p.flow] = max(shown[p.flow], begin + p.payload_bytes)
            spans[p.flow].append((begin, begin + p.seen_bytes))
        other = (p.flow[1], p.flow[0])
        proven = (p.ack - base.get(other, p.ack)) & MASK
        says_more = p.payload_bytes or p.flags & (FIN | RST)  # a filter may leave out bare ACKs
        if p.flags & ACK and says_more and proven < 1 << 31:
            shown[other] = max(shown[other], proven)
    least = sum(
        min(shown[flow], end) - covered(spans[flow], min(shown[flow], end))
        for flow, end in ends.items()
    )
    n_fins = sum(bool(p.flags & FIN) for p in whole) - sum(bool(p.flags & FIN) for p in damaged)
    return least, least + n_fins


def covered(spans: list[tuple[int, int]], end: int) -> int:
    """How many of the first `end` bytes lie in one of the spans."""
    n_bytes = reached = 0
    for begin, stop in sorted(spans):
        stop = min(stop, end)
        n_bytes += max(stop - max(begin, reached), 0)
        reached = max(reached, stop)
    return n_bytes


# -- what is wrong ----------------------------------------------------------------------------

OURS = ("id", "connection", "sequence")
"""Numbers that we give: a request fewer before it changes them."""


def probe_of(fact: Fact) -> str | None:
    fields = {name.lower().replace("_", "-"): value for name, value in fact["fields"]}
    probe: str | None = fields.get("http-x-probe", fields.get("x-probe"))
    return probe


def key_of(fact: Fact) -> tuple[str, str | None]:
    """A request is its client's tag; a front that retries sends one twice, from another port."""
    return fact["client"], probe_of(fact)


def by_key(facts: Iterable[Fact]) -> dict[tuple[str, str | None], Fact]:
    requests = [fact for fact in facts if fact["type"] == "request"]
    known = [fact for fact in requests if probe_of(fact) is not None]
    told = {key_of(fact): fact for fact in known}
    assert len(told) == len(known), "a request is told twice"
    return told


def without_ours(fact: Fact) -> Fact:
    return {key: value for key, value in fact.items() if key not in OURS}


def wrong(whole: Iterable[Fact], damaged: Iterable[Fact]) -> Iterator[str]:
    """Every fact that is not so. A partial one may know less, never otherwise."""
    truth = by_key(whole)
    for fact in damaged:
        if fact["type"] != "request":
            continue
        real = truth.get(key_of(fact))
        if fact["outcome"] != "partial":
            if real is None or without_ours(real) != without_ours(fact):
                yield f"not what it was: {difference(real, fact)}"
        elif real is not None:
            yield from wrong_part(real, fact)


def difference(real: Fact | None, fact: Fact) -> str:
    if real is None:
        return f"never was: {fact}"
    return str({k: (real[k], v) for k, v in without_ours(fact).items() if real[k] != v})


def wrong_part(real: Fact, fact: Fact) -> Iterator[str]:
    for key in ("protocol", "server", "method", "target", "status", "keep_alive"):
        if fact[key] is not None and fact[key] != real[key]:
            yield f"partial, and {key} is {fact[key]!r}, not {real[key]!r}: {fact}"
    for key in ("request_body_bytes", "response_body_bytes"):
        if fact[key] > real[key]:
            yield f"partial, and {key} is {fact[key]}, more than {real[key]}: {fact}"
    for key in ("fields", "response_fields"):
        extra = [pair for pair in fact[key] if pair not in real[key]]
        # The last field before a gap may be cut; what is there of it must be so.
        if len(extra) > 1 or (extra and not begins_one(extra[0], real[key])):
            yield f"partial, and {key} has {extra}"


def begins_one(pair: list[str], pairs: list[list[str]]) -> bool:
    return any(name.startswith(pair[0]) and value.startswith(pair[1]) for name, value in pairs)


def same(whole: Iterable[Fact], other: Iterable[Fact]) -> list[str]:
    """What differs; nothing may."""
    real, told = by_key(whole), by_key(other)
    wrongs = [f"{key} is told in one alone" for key in real.keys() ^ told.keys()]
    return wrongs + [
        difference(real[key], told[key])
        for key in real.keys() & told.keys()
        if without_ours(real[key]) != without_ours(told[key])
    ]


def untouched(
    whole: Iterable[Fact], packets: list[Packet], damaged: list[Packet]
) -> set[tuple[str, str | None]]:
    """Requests of which no packet is missing: from their first byte to their last, and to the end
    of the connection where they are its last."""
    kept = {id(p) for p in damaged}
    gone: dict[frozenset[bytes], list[int]] = defaultdict(list)
    for p in packets:
        if id(p) not in kept:
            gone[p.connection].append(p.at_us)
    requests = [fact for fact in whole if fact["type"] == "request"]
    last = {fact["connection"]: fact["id"] for fact in requests}
    return {
        key_of(fact)
        for fact in requests
        if not _is_hit(fact, gone, is_last=last[fact["connection"]] == fact["id"])
    }


def changed(
    whole: Iterable[Fact], damaged: Iterable[Fact], keys: Iterable[tuple[str, str | None]]
) -> list[str]:
    """Those of the requests that are not told, or told otherwise."""
    real, told = by_key(whole), by_key(damaged)
    return [
        f"{key}: {difference(real[key], told[key])}" if key in told else f"{key} is not told"
        for key in keys
        if key not in told or without_ours(real[key]) != without_ours(told[key])
    ]


def _is_hit(fact: Fact, gone: dict[frozenset[bytes], list[int]], is_last: bool) -> bool:
    client, server = endpoint(fact["client"]), endpoint(fact["server"])
    times = gone.get(frozenset((client, server)), [])
    over_at = sys.maxsize if is_last else micros(fact["at"])
    return any(micros(fact["began_at"]) <= at <= over_at for at in times)


def endpoint(text: str) -> bytes:
    host, _, port = text.rpartition(":")
    return bytes(map(int, host.split("."))) + int(port).to_bytes(2, "big")


def micros(instant: str) -> int:
    """Of the day, UTC; no capture here lasts over midnight."""
    hours, minutes, seconds = instant[11:-1].split(":")
    whole, _, nanos = seconds.partition(".")
    return ((int(hours) * 60 + int(minutes)) * 60 + int(whole)) * 1_000_000 + int(nanos) // 1000
