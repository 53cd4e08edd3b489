"""From facts to cells."""

import json

from gwtop.compare.watched import NOTHING, cells, watched_of

FACTS: list[dict[str, object]] = [
    {"type": "hello"},
    {"type": "request", "connection": 1, "pid": 10, "births": [10]},
    {"type": "request", "connection": 1, "pid": 11, "births": [11]},
    {"type": "request", "connection": 2, "pid": 10, "births": [12]},
    {"type": "request", "connection": 3, "pid": None, "births": []},
    {"type": "process_exited", "pid": 10, "cpu_ns": 20},
    {"type": "process_exited", "pid": 11, "cpu_ns": 40},
    {"type": "process_exited", "pid": 12, "cpu_ns": None},
    {"type": "process_exited", "pid": 13, "cpu_ns": 1_000},
    {"type": "summary", "processes_born": 3, "model": "worker-pool"},
]


def test_each_cell_is_a_share_of_the_requests_seen() -> None:
    told = watched_of([json.dumps(fact).encode() for fact in FACTS], 24, 4000)
    assert told.workers == {10, 11} and told.makes_processes
    assert told.program_cpu_ns == 30, "of those that were made for a request"
    assert {key: cell.value for key, cell in cells(told).items()} == {
        "processes_per_request": 0.75,
        "segments": 6.0,
        "wire_bytes": 1000.0,
        "connections": 0.75,
        "model": "worker-pool",
    }


def test_what_could_not_be_watched_is_empty_and_says_why() -> None:
    for told in (NOTHING, watched_of([], 0, 0)):
        assert all(cell.value is None and cell.why for cell in cells(told).values())
