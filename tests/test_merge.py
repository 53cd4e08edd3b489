"""Lines of several engines as one stream: order, hosts, ids; waiting for who is silent."""

import json

import pytest

from gwtop import journal
from gwtop.errors import GwtopError
from gwtop.merge import GRACE_NS, MAX_WAITING, Merge
from gwtop.nouns.facts import Note
from tests.screens._facts import hello, pool, rain, sample, summary, tick

AT = 1_795_327_242_000_000_000


def note(second: int, text: str = "") -> bytes:
    at = f"2026-11-22T06:00:{second:02d}.000000000Z"
    return journal.encode(Note(at, "x", "info", text, None, None)).rstrip(b"\n")


def told(lines: list[bytes]) -> list[dict[str, object]]:
    return [json.loads(line) for line in lines]


def of_all(*sources: list[bytes]) -> list[bytes]:
    merge = Merge(tuple(f"file{n}" for n in range(len(sources))))
    for source, lines in zip(merge.sources, sources, strict=True):
        for line in lines:
            source.put(line, 0)
        source.ended = True
    lines = merge.due(0)
    assert merge.is_over
    return lines


def test_one_source_comes_out_byte_by_byte() -> None:
    lines = [journal.encode(fact).rstrip(b"\n") for fact in pool()]
    assert of_all(lines) == [line + b"\n" for line in lines]


def test_several_merge_by_time_and_each_keeps_its_own_order() -> None:
    lines = of_all([note(1, "a"), note(5, "b"), note(3, "c")], [note(2, "d"), note(4, "e")])
    assert [line["text"] for line in told(lines)] == ["a", "d", "e", "b", "c"]


def test_each_line_says_whose_it_is_last_and_hello_says_it_itself() -> None:
    first_line = journal.encode(pool()[0]).rstrip(b"\n")
    lines = of_all([first_line, note(59, "a")], [note(58, "b")])
    notes = [line for line in told(lines) if line["type"] == "note"]
    assert [(line["text"], line["host"]) for line in notes] == [("b", "file1"), ("a", "web1")]
    assert list(notes[0])[-1] == "host"
    assert lines[[line["type"] for line in told(lines)].index("hello")] == first_line + b"\n"


def test_two_files_of_one_machine_are_told_apart_and_a_second_hello_of_one_is_not() -> None:
    first_line = journal.encode(hello(host="web1")).rstrip(b"\n")
    merge = Merge(("today", "file", "file"))
    first, second, third = merge.sources
    for source, text in ((first, "a"), (first, "b"), (second, "c"), (third, "d")):
        source.put(first_line, 0)
        source.put(note(59, text), 0)
        source.ended = True
    lines = told(merge.due(0))
    assert {line["text"]: line["host"] for line in lines if line["type"] == "note"} == {
        "a": "web1",
        "b": "web1",
        "c": "web1 (file)",
        "d": "web1 (3)",
    }


def test_a_source_has_finished_with_its_summary_alone() -> None:
    source = Merge(("file0",)).sources[0]
    for fact in (hello(), tick(AT, 1), summary(AT, 1)):
        assert not source.finished
        source.put(journal.encode(fact), 0)
    assert source.finished


def test_a_line_that_was_merged_before_keeps_its_host() -> None:
    once = of_all([note(1)], [note(2)])
    again = of_all([line.rstrip(b"\n") for line in once], [note(3)])
    assert [line["host"] for line in told(again)] == ["file0", "file1", "file1"]


def test_no_two_engines_share_an_id_and_what_belongs_together_still_does() -> None:
    facts = [journal.encode(fact).rstrip(b"\n") for fact in rain()]
    lines = told(of_all(facts, facts))
    requests = [line for line in lines if line["type"] == "request"]
    assert len({line["id"] for line in requests}) == len(requests) == 2 * 30
    by_host: dict[object, set[object]] = {}
    for line in requests:
        by_host.setdefault(int(str(line["id"])) % 2, set()).add(line["connection"])
    assert len(by_host) == 2 and not by_host[0] & by_host[1]
    flying = {one["id"] for line in lines if line["type"] == "tick" for one in line["in_flight"]}  # type: ignore[attr-defined]
    assert flying and {n % 2 for n in flying} == {0, 1}


def test_what_a_process_is_busy_with_has_the_ids_of_its_engine() -> None:
    busy = journal.encode(sample(AT, 4711, busy_with=[1, 7])).rstrip(b"\n")
    assert [line["busy_with"] for line in told(of_all([busy], [busy]))] == [[2, 14], [3, 15]]


def test_a_line_waits_for_who_has_not_spoken_but_not_for_ever() -> None:
    merge = Merge(("a", "b"))
    merge.sources[0].put(note(1), 1_000)
    assert merge.due(1_000) == [] and merge.wait_ns(1_000) == GRACE_NS
    assert len(merge.due(1_000 + GRACE_NS)) == 1
    assert merge.wait_ns(1_000 + GRACE_NS) is None and not merge.is_over


def test_who_speaks_up_in_time_comes_first() -> None:
    merge = Merge(("a", "b"))
    merge.sources[0].put(note(5, "late"), 0)
    merge.sources[1].put(note(3, "early"), 10)
    assert [line["text"] for line in told(merge.due(20))] == ["early"]
    merge.sources[1].ended = True
    assert [line["text"] for line in told(merge.due(20))] == ["late"]


def test_a_source_that_is_full_is_not_waited_with() -> None:
    merge = Merge(("a", "b"))
    for _ in range(MAX_WAITING):
        merge.sources[0].put(note(1), 0)
    assert merge.sources[0].is_full
    assert len(merge.due(0)) == 1 and not merge.sources[0].is_full


def test_a_summary_is_the_end_of_a_source_unless_more_follows() -> None:
    from tests.screens._facts import T0, summary

    merge = Merge(("a", "b"))
    merge.sources[0].put(journal.encode(summary(T0, 1)).rstrip(b"\n"), 0)
    assert merge.sources[0].finished
    merge.sources[0].put(note(1), 0)
    assert not merge.sources[0].finished


def test_what_is_no_fact_is_refused_with_its_line_and_what_is_newer_passes() -> None:
    merge = Merge(("a.jsonl", "b"))
    merge.sources[0].put(b"", 0)
    merge.sources[0].put(b'{"type":"weather","at":"2026"}', 0)
    with pytest.raises(GwtopError, match=r"a.jsonl, line 3: not a line of facts"):
        merge.sources[0].put(b"knights", 0)
    merge.sources[1].ended = True
    assert merge.due(0) == [b'{"type":"weather","at":"2026"}\n']
