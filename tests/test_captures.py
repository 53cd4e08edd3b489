"""Every committed capture, replayed: against its golden facts, and against what others saw.

In: tests/captures/*/*.pcap with their `.jsonl` and `.truth.json`. Out: a failure that names the
capture. The golden says that nothing changed; the truth, written down by the client and by the
application while the capture was made, says that it is right.
"""

import json
from typing import Any

import pytest

from gwtop.protocols import discover
from tests._replay import CAPTURES as HERE
from tests._replay import replay, truth_of

ALL = sorted(path.relative_to(HERE).with_suffix("").as_posix() for path in HERE.glob("*/*.pcap"))
NAMES = [name for name in ALL if name.split("/")[0] in discover()]
VARIES = ("gwtop", "host", "at")
"""Keys of `hello` that differ from run to run."""

each_capture = pytest.mark.parametrize("name", NAMES)


def without_the_run(lines: list[bytes]) -> list[bytes]:
    hello = {key: value for key, value in json.loads(lines[0]).items() if key not in VARIES}
    return [json.dumps(hello).encode() + b"\n", *lines[1:]]


def facts_by_probe(name: str) -> dict[str, dict[str, Any]]:
    """The `request` facts by the header that the client sent with each."""
    told: dict[str, dict[str, Any]] = {}
    for line in map(json.loads, replay(name, 1000)):
        if line["type"] == "request":
            fields = {k.lower().replace("_", "-"): v for k, v in line["fields"]}
            probe = fields.get("http-x-probe", fields.get("x-probe"))
            assert probe not in told, "told twice"
            told[probe] = line
    return told


def test_a_protocol_that_nobody_decodes_yet_is_not_taken_for_another() -> None:
    for name in set(ALL) - set(NAMES):
        types = [json.loads(line)["type"] for line in replay(name)]
        assert "request" not in types, name


@pytest.mark.parametrize("name", ALL)
def test_a_capture_says_where_it_is_from_and_is_small(name: str) -> None:
    assert (HERE / f"{name}.pcap").stat().st_size < 64 * 1024
    text = (HERE / f"{name}.txt").read_text(encoding="utf-8")
    assert text.startswith("made by: ")
    assert "tcpdump version" in text


@each_capture
@pytest.mark.parametrize("batch_frames", [1, 1000])
def test_a_replay_gives_the_golden_facts(name: str, batch_frames: int) -> None:
    golden = (HERE / f"{name}.jsonl").read_bytes().splitlines(keepends=True)
    assert without_the_run(replay(name, batch_frames)) == without_the_run(golden)


@each_capture
def test_every_request_that_the_client_made_is_told_once(name: str) -> None:
    assert set(facts_by_probe(name)) == {row["probe"] for row in truth_of(name)}


@each_capture
def test_facts_are_what_client_and_application_saw(name: str) -> None:
    told = facts_by_probe(name)
    for row in truth_of(name):
        fact, client, app = told[row["probe"]], row["client"], row["app"]
        assert fact["protocol"] == name.split("/")[0]
        assert (fact["method"], fact["target"]) == (client["method"], client["target"])
        assert fact["request_body_bytes"] == client["sent_bytes"] == app["received_bytes"]
        if client["status"] is not None:
            assert fact["status"] == client["status"] == app["status"]
            check_answer(fact, client, app)
        assert fact["lost_bytes"] == 0
        assert fact["outcome"] != "partial"


def check_answer(fact: dict[str, Any], client: dict[str, Any], app: dict[str, Any]) -> None:
    """HTTP carries what the client got, a gateway what the application gave.

    But for HEAD: PHP drops the body itself, and nginx closes as soon as it has the answer's head.
    """
    sent = client["received_bytes"] if fact["protocol"] == "http" else app["sent_bytes"]
    if client["method"] == "HEAD":
        assert fact["response_body_bytes"] in (0, sent)
    else:
        assert fact["outcome"] == "done"
        assert fact["response_body_bytes"] == sent
    headers = {key.lower(): value for key, value in fact["response_fields"]}
    assert headers["x-worker-pid"] == str(app["pid"])


@each_capture
def test_no_secret_of_the_client_is_told(name: str) -> None:
    pcap = (HERE / f"{name}.pcap").read_bytes()
    secret = b"sekrit-of-the-capture"
    assert secret not in b"".join(replay(name, 1000))
    assert secret in pcap or name == "http/waitress-pipelined"
