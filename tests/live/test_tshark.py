"""The same captures read by tshark 4: what it says of each request, and where it differs and why.

In: captures made here. tshark knows HTTP requests, AJP messages and FastCGI records, and no
requests of the last two; it has no uwsgi and no SCGI. Each is compared in what it does know.
"""

import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests import _losses as losses
from tests.live._asking import Ask, asks_of
from tests.live._running import need_program
from tests.live._taking import Taken, take

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

BEGIN, END, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6  # FastCGI 8
AJP_METHODS = {"1": "OPTIONS", "2": "GET", "3": "HEAD", "4": "POST", "5": "PUT", "6": "DELETE"}
REPLACED = "\N{REPLACEMENT CHARACTER}".encode().decode("latin-1")
SHOWN_CHARS = 200  # tshark cuts a long AJP string in its columns


def tshark(taken: Taken, folder: Path, protocol: str, *fields: str) -> Iterator[list[str]]:
    """The fields of each frame that has the protocol, as text."""
    file = folder / "tshark.pcap"
    file.write_bytes(taken.pcap)
    command = [need_program("tshark", "tshark"), "-r", str(file)]
    command += ["-d", f"tcp.port=={taken.port},{protocol}", "-Y", protocol, "-T", "fields"]
    for field in fields:
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, timeout=100, check=True)
    for line in done.stdout.decode("latin-1").splitlines():
        yield line.split("\t")


def facts_of(taken: Taken, folder: Path) -> list[losses.Fact]:
    facts = losses.facts_of(taken.pcap, folder, taken.port)
    assert facts[-1]["missed"]["bytes"] == 0
    return [fact for fact in facts if fact["type"] == "request"]


def port_of(fact: losses.Fact) -> str:
    return str(fact["client"].rpartition(":")[2])


def quiet(asks: Iterable[Ask]) -> list[Ask]:
    """Without clients that leave: what is broken off is no witness of the other reader's skill."""
    return [ask for ask in asks if not ask.leaves]


def test_http_requests_and_answers_are_the_same(tmp_path: Path) -> None:
    taken = take("nginx-gunicorn/http", quiet(asks_of(7, 3)))
    asked, answered = defaultdict(list), defaultdict(list)
    fields = ("http.request.method", "http.request.uri", "http.response.code")
    ports = ("tcp.srcport", "tcp.dstport")
    rows = tshark(taken, tmp_path, "http", *ports, *fields, "http.content_length")
    for source, target, method, uri, status, length in rows:
        if method:
            asked[source].append((method, uri))
        if status:
            answered[target].append((int(status), length))
    told = defaultdict(list)
    for fact in facts_of(taken, tmp_path):
        told[port_of(fact)].append(fact)
    assert sum(map(len, asked.values())) == len(taken.seen)
    for port, facts in told.items():
        assert [(fact["method"], shown(fact["target"])) for fact in facts] == asked[port]
        assert [fact["status"] for fact in facts] == [status for status, _ in answered[port]]
        for fact, (_, length) in zip(facts, answered[port], strict=True):
            # HEAD: the length that a GET would have. No length: chunks, which it does not sum.
            if length and fact["method"] != "HEAD":
                assert fact["response_body_bytes"] == int(length)


def shown(target: str) -> str:
    """In HTTP tshark shows a byte that is not ASCII as U+FFFD: two targets may look the same."""
    return "".join(char if ord(char) < 0x80 else REPLACED for char in target)


def test_fastcgi_records_sum_up_to_the_requests(tmp_path: Path) -> None:
    """tshark shows records, not requests, so the sums of each connection are compared."""
    taken = take("nginx-php-fpm/fastcgi", quiet(asks_of(8, 3)))
    sums: dict[str, Counter[int]] = defaultdict(Counter)
    ports = ("tcp.srcport", "tcp.dstport")
    rows = tshark(taken, tmp_path, "fcgi", *ports, "fcgi.type", "fcgi.content.length")
    for source, target, kinds, lengths in rows:
        client = target if source == str(taken.port) else source
        for kind, length in zip(kinds.split(","), lengths.split(","), strict=True):
            n_bytes = 1 if int(kind) in (BEGIN, END) else int(length)
            sums[client][int(kind)] += n_bytes
    told: dict[str, Counter[int]] = defaultdict(Counter)
    for fact in facts_of(taken, tmp_path):
        told[port_of(fact)] += Counter(
            {
                BEGIN: 1,
                END: 1,
                PARAMS: fact["request_head_bytes"],
                STDIN: fact["request_body_bytes"],
                STDOUT: fact["response_head_bytes"] + fact["response_body_bytes"],
            }
        )
    kinds_compared = (BEGIN, END, PARAMS, STDIN, STDOUT)
    assert sum(sums[port][BEGIN] for port in sums) == len(taken.seen)
    for port in told.keys() | sums.keys():
        assert {k: told[port][k] for k in kinds_compared} == {
            k: sums[port][k] for k in kinds_compared
        }


AJP_FIELDS = ("ajp13.method", "ajp13.uri", "ajp13.query_string", "ajp13.rstatus")


def ajp_messages(taken: Taken, folder: Path) -> tuple[list[tuple[str, str, str]], Counter[int]]:
    """(port, method, target) of requests, and how often each status was seen."""
    asked, statuses = [], Counter[int]()
    rows = tshark(taken, folder, "ajp13", "tcp.srcport", *AJP_FIELDS)
    for source, method, uri, query, status in rows:
        if method in AJP_METHODS and uri:
            target = f"{uri}?{query}" if query else uri
            asked.append((source, AJP_METHODS[method], shortened(target)))
        statuses.update([int(status)] if status else [])
    return asked, statuses


def shortened(target: str) -> str:
    """As much as tshark shows of each of both parts."""
    return "?".join(part[:SHOWN_CHARS] for part in target.split("?"))


def small(asks: Iterable[Ask]) -> list[Ask]:
    """Without bodies: tshark 4.0 takes the second data packet of a POST for a message, and an
    answer's packets that share a frame with another's it gives one row."""
    return [
        ask
        for ask in asks
        if ask.body is None and ask.target.partition(b"?")[0] not in (b"/big", b"/stream")
    ]


def test_ajp_requests_without_bodies_are_the_same(tmp_path: Path) -> None:
    taken = take("apache-tomcat/ajp", small(quiet(asks_of(9, 4))))
    asked, statuses = ajp_messages(taken, tmp_path)
    facts = facts_of(taken, tmp_path)
    # An empty query string is an attribute without a value: tshark's column does not show it.
    told = [(port_of(f), f["method"], shortened(f["target"].removesuffix("?"))) for f in facts]
    assert len(told) == len(taken.seen)
    assert Counter(asked) == Counter(told)
    assert statuses == Counter(fact["status"] for fact in facts)


def test_after_a_large_ajp_post_tshark_loses_what_gwtop_tells(tmp_path: Path) -> None:
    """One POST of several 64 KiB packets, and it takes the rest of the kept connection for body."""
    large = Ask("post-big", "POST", b"/echo", bytes(1 << 18))
    taken = take("apache-tomcat/ajp", [large, *small(quiet(asks_of(10, 3)))])
    asked, _ = ajp_messages(taken, tmp_path)
    facts = facts_of(taken, tmp_path)
    assert len(facts) == len(taken.seen)
    assert {fact["outcome"] for fact in facts} == {"done"}
    assert len(asked) < len(facts)
    print(f"tshark finds {len(asked)} of {len(facts)} AJP requests, gwtop all")
