"""The header: verdict in words, numbers by importance, missed always."""

import pytest
from msgspec import structs

from gwtop.model import Model, Snapshot
from gwtop.nouns.facts import InFlight, Missing, Percentiles, QueueState, Watched
from gwtop.nouns.times import instant
from gwtop.panels import Cell, Line
from gwtop.panels._crop import n_cells
from gwtop.panels._header import missed_cell, numbers_line, title_line, verdict_text
from tests.screens._facts import T0, S, hello, pool, rain, summary, tick


def words(line: Line) -> str:
    return "".join(cell.text for cell in line)


def told(facts: list[object]) -> Snapshot:
    model = Model()
    for fact in facts:
        model.apply(fact)  # type: ignore[arg-type]
    return model.snapshot()


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize(
    "facts", [[], [hello()], pool(), rain()], ids=["none", "hello", "pool", "rain"]
)
def test_both_lines_fit_and_missed_is_always_there(width: int, facts: list[object]) -> None:
    snapshot = told(facts)
    assert len(words(title_line(snapshot, "demo", Cell("▶ live"), width))) <= width
    numbers = words(numbers_line(snapshot, width))
    assert len(numbers) <= width
    assert "missed" in numbers


def test_the_verdict_is_a_sentence() -> None:
    assert verdict_text(told(pool())) == "worker-pool: 40 requests by 4 workers, none born for them"
    assert verdict_text(told([hello()])) == "no verdict before 5 answered requests"
    said = tick(T0, 9, model="threaded", model_evidence="threaded: 2 threads")
    assert verdict_text(told([said])) == "threaded: 2 threads"
    assert verdict_text(told([tick(T0, 9, model="threaded")])) == "threaded"


@pytest.mark.parametrize(
    ("missed", "n_unread", "text", "style"),
    [
        (None, 0, "missed –", "dim"),
        (None, 2, "missed – + 2 lines", "bad"),
        ((0, 0, 0, 0), 0, "missed 0", "dim"),
        ((None, None, None, None), 0, "missed ?", "warn"),
        ((0, None, 0, 0), 0, "missed 0 (process events: ?)", "warn"),
        ((12, 3, 0, 0), 0, "missed 12 frames + 3 process events", "bad"),
        ((1200, None, 0, 0), 4, "missed 1,200 frames + 4 lines (process events: ?)", "bad"),
        ((0, 0, 0, 0), 7, "missed 7 lines", "bad"),
    ],
)
def test_missed_is_never_silent(
    missed: tuple[int | None, ...] | None, n_unread: int, text: str, style: str
) -> None:
    given = None if missed is None else Missing(*missed)
    assert missed_cell(given, n_unread) == Cell(text, style)  # type: ignore[arg-type]


def test_the_end_shows_the_numbers_of_it_all() -> None:
    last = summary(
        T0 + S, 200, statuses={"200": 150, "503": 50}, duration_ns=Percentiles(1, 2, 3, 4)
    )
    numbers = words(numbers_line(told([*pool(), last]), 120))
    assert numbers.startswith(" 200 requests in all   p50   0 µs   p99   0 µs   5xx  25 %")


def test_busy_workers_are_dots_until_there_are_too_many() -> None:
    assert "busy ●●○○ 2/4" in words(numbers_line(told(pool()), 120))
    many = tick(T0, 0, busy=40, idle=24)
    assert "busy 40 of 64" in words(numbers_line(told([hello(), many]), 120))


def test_the_queue_says_for_how_long_the_longest_has_waited() -> None:
    waits = InFlight(2, 2, "GET", "/", instant(T0), None, queue_ns=None)
    read = InFlight(1, 1, "GET", "/", instant(T0 - S), 7, queue_ns=S // 2)
    unknown = InFlight(3, 3, "GET", "/", instant(T0 - S), None)
    queue = [QueueState("127.0.0.1:9000", 8, 128)]
    told_of = {"queues": queue, "busy": 2, "idle": 0}
    line = numbers_line(told([tick(T0 + 3 * S, 0, in_flight=[read, waits], **told_of)]), 200)
    assert "queue 8/128 for 3.0 s" in words(line)
    line = numbers_line(told([tick(T0 + 3 * S, 0, in_flight=[read, unknown], **told_of)]), 200)
    assert "queue 8/128   " in words(line)


@pytest.mark.parametrize("width", [60, 80, 160])
@pytest.mark.parametrize(
    "name", ["/a-long-directory" * 5 + "/app.sock", "/日本語" * 12 + "/app.sock"]
)
def test_a_long_path_leaves_room_for_the_verdict_and_the_state(name: str, width: int) -> None:
    listen = f"unix:{name}/app.sock"
    snapshot = told([*pool(), hello("fastcgi", listen.encode().decode("latin-1"))])
    line = title_line(snapshot, "", Cell("▶ live"), width)
    assert sum(n_cells(cell.text) for cell in line) == width
    text = words(line)
    assert "/app.sock" in text and "worker-pool: 40 req" in text and text.endswith(" ▶ live ")


def test_of_several_listeners_the_long_ones_are_shortened_alike() -> None:
    watch = [Watched(f"unix:/run/{'x' * 60}/{n}.sock", "uwsgi") for n in "ab"]
    first = hello()
    facts = [structs.replace(first, watch=[Watched("127.0.0.1:80", "http"), *watch])]
    line = words(title_line(told(facts), "", Cell("▶ live"), 120))
    assert "http 127.0.0.1:80" in line and "…/a.sock" in line and "…/b.sock" in line
