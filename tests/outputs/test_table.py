"""The table at the end: rows of a panel, uncut in a pipe, with the totals and their losses."""

import msgspec
import pytest

from gwtop.nouns import facts
from gwtop.outputs.table import TableAtTheEnd, caption

AT = "2026-11-22T06:00:42.123456789Z"
NOTHING = facts.Percentiles(None, None, None, None)


def summary(missed: facts.Missing) -> facts.Summary:
    return facts.Summary(
        AT, 3, 1, {}, {}, NOTHING, None, 0, 0, None, 0, None, None, {}, 0, 0, missed, {}
    )


def test_a_caption_names_each_loss() -> None:
    lost = summary(facts.Missing(frames=2, process_events=None, bytes=0, requests=0))
    assert caption(lost) == (
        "3 requests, 1 in flight, missed 2 frames, an unknown number of process events"
    )


def test_a_caption_says_when_nothing_was_missed() -> None:
    assert caption(summary(facts.Missing(0, 0, 0, 0))).endswith("missed 0")


def test_a_caption_says_which_model_was_seen() -> None:
    pool = msgspec.structs.replace(summary(facts.Missing(0, 0, 0, 0)), model="worker-pool")
    assert caption(pool) == "3 requests, 1 in flight, worker-pool, missed 0"


def test_where_no_request_was_seen_a_caption_says_what_was() -> None:
    none = msgspec.structs.replace(
        summary(facts.Missing(0, 0, 0, 0)), requests=0, frames=244, connections=15
    )
    assert caption(none) == "0 requests, 1 in flight, 244 frames, 15 connections, missed 0"


def test_facts_without_a_summary_say_so() -> None:
    assert caption(None) == "the facts end without a summary"


def test_a_table_in_a_pipe_cuts_nothing_and_obeys_no_markup(
    capsys: pytest.CaptureFixture[str],
) -> None:
    table = TableAtTheEnd("notes")
    text = "[bold]" + "x" * 300
    table.put([facts.Note(AT, "odd", "warn", text, None, None)])
    table.put([summary(facts.Missing(0, 0, 0, 0))])
    table.show()
    shown = capsys.readouterr().out
    head, rule, row = (line for line in shown.splitlines()[:-1] if line.strip())
    assert head.split() == ["said", "last", "pid", "note", "code"]
    assert set(rule.strip()) == {"─"} and len(rule) < len(text) + 100
    assert text in row and row.rstrip().endswith("odd")
    assert shown.splitlines()[-1] == "3 requests, 1 in flight, missed 0"


def test_a_sink_of_a_table_never_fills_and_never_closes() -> None:
    table = TableAtTheEnd("notes")
    table.put([summary(facts.Missing(0, 0, 0, 0))] * 3)
    table.flush()
    assert (table.closed, table.is_full, table.queued_bytes) == (False, False, 0)
    assert (table.fileno(), table.take_dropped()) == (-1, (0, 0))
