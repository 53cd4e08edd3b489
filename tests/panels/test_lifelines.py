"""Lifelines cell by cell: what is drawn, at any width, from made-up and from recorded facts."""

import os
from pathlib import Path

import pytest

from gwtop.journal import Unknown, decode
from gwtop.model import Model, Snapshot
from gwtop.model.lifelines import RINGS_FROM
from gwtop.panels import Look
from gwtop.panels._lifelines import (
    STEPS_NS,
    Life,
    Window,
    axis,
    ending,
    legend,
    lives,
    span_words,
    spot,
    window,
)
from gwtop.panels._lifelines_cells import GLYPHS
from tests.screens._facts import MS, T0, S, born, exited, pool, rain, request, seen, tick

SESSIONS = Path(__file__).parent.parent / "sessions"
WIDTHS = (20, 41, 60, 80, 110, 190, 240)


def snapshot(*facts: object) -> Snapshot:
    model = Model()
    for fact in facts:
        model.apply(fact)  # type: ignore[arg-type]
    return model.snapshot()


def session(name: str) -> Snapshot:
    facts = [decode(line) for line in (SESSIONS / f"{name}.jsonl").read_bytes().splitlines()]
    return snapshot(*(fact for fact in facts if not isinstance(fact, Unknown)))


def text(life: Life) -> str:
    return "".join(cell.text for cell in life.cells)


def drawn(snap: Snapshot, shown: Window, max_rows: int = 12, look: Look | None = None) -> list[str]:
    found = lives(snap, shown, max_rows, look or Look())
    return [f"{life.name.text:<13}{text(life)}".rstrip() for life in found]


AT = Window(T0 // (100 * MS), 20, 100 * MS)
"""Two seconds from T0, in cells of 100 ms."""


def worker(*facts: object, end: int = 1900) -> list[str]:
    return drawn(snapshot(seen(1, 0, "worker", "w"), *facts, tick(T0 + end * MS, 0)), AT)


def test_a_request_is_a_block_on_its_process_and_its_wait_stands_before_it() -> None:
    told = request(1, T0 + 990 * MS, pid=1, duration_ns=680 * MS, queue_ns=300 * MS)
    assert worker(told) == ["1 worker     ━━━░░░████━━━━━━━━━━"]


def test_a_short_request_is_a_bead() -> None:
    assert worker(request(1, T0 + 950 * MS, pid=1, duration_ns=4 * MS)) == [
        "1 worker     ━━━━━━━━━■━━━━━━━━━━"
    ]


def test_a_wait_within_the_cell_of_its_answer_is_hatched_and_nearer_stands_before_it() -> None:
    told = request(1, T0 + 590 * MS, pid=1, duration_ns=80 * MS, queue_ns=50 * MS)
    assert worker(told) == ["1 worker     ━━━━━▨━━━━━━━━━━━━━━"]
    snap = snapshot(seen(1, 0, "worker", "w"), told, tick(T0 + 1900 * MS, 0))
    nearer = Window((T0 + 490 * MS) // (20 * MS), 8, 20 * MS)
    assert drawn(snap, nearer) == ["1 worker     ━░░░██━━"]
    assert drawn(snap, AT, look=Look(ascii=True)) == ["1 worker     -----%--------------"]


def test_a_wait_that_is_short_for_the_cells_is_not_drawn_by_chance() -> None:
    """It crosses an edge of the grains, and fills next to nothing of them."""
    few = [request(n, T0 + n * 100 * MS + 5 * MS, pid=1, duration_ns=6 * MS) for n in range(12)]
    waited = [
        request(n, T0 + n * 100 * MS + 5 * MS, pid=1, duration_ns=6 * MS, queue_ns=2 * MS)
        for n in range(12)
    ]
    for many in (3, 40):
        assert worker(*(few * many)[:many]) == worker(*(waited * many)[:many])


def test_a_wait_that_is_seen_before_its_answer_is_not_told_twice() -> None:
    told = request(1, T0 + 590 * MS, pid=1, duration_ns=180 * MS, queue_ns=120 * MS)
    assert worker(told) == ["1 worker     ━━━━░█━━━━━━━━━━━━━━"]


def test_a_line_ends_where_time_does() -> None:
    assert worker(end=450) == ["1 worker     ━━━━━"]


@pytest.mark.parametrize(
    ("other", "glyph"),
    [
        ({"status": 304}, "▓"),
        ({"status": 404}, "4"),
        ({"status": 500}, "5"),
        ({"status": None}, "?"),
        ({"outcome": "aborted"}, "X"),
    ],
)
def test_the_shape_says_the_status_where_colour_does_not(
    other: dict[str, object], glyph: str
) -> None:
    (line,) = worker(request(1, T0 + 390 * MS, pid=1, duration_ns=180 * MS, **other))
    assert line == f"1 worker     ━━{glyph * 2}━━━━━━━━━━━━━━━━"


def test_the_gravest_of_a_cell_is_shown() -> None:
    fine = [request(n, T0 + n * 10 * MS, pid=1, duration_ns=9 * MS) for n in range(60)]
    bad = request(99, T0 + 333 * MS, pid=1, status=503, duration_ns=MS)
    assert worker(*fine[:30], bad, *fine[30:]) == ["1 worker     ███5██━━━━━━━━━━━━━━"]


def test_birth_and_death_enclose_a_life_and_a_bad_end_looks_bad() -> None:
    snap = snapshot(
        *(born(10, T0 + 300 * MS), request(1, T0 + 420 * MS, pid=10, duration_ns=110 * MS)),
        exited(10, T0 + 430 * MS),
        *(born(11, T0 + 900 * MS), exited(11, T0 + 910 * MS, code=1)),
        *(born(12, T0 + 1500 * MS), tick(T0 + 1700 * MS, 1)),
    )
    shown = drawn(snap, AT, 2)
    assert shown == ["cgi ×3         ╻██╹        ╻━━━", "                     ╻━╳"]
    assert drawn(snap, AT, 2, Look(ascii=True))[1] == "                     (-!"


def test_a_worker_that_replaces_another_at_once_shows_both_ends() -> None:
    snap = snapshot(
        seen(1, 0, "worker", "w"),
        exited(1, T0 + 550 * MS, signal=9, code=None),
        born(2, T0 + 560 * MS, role="worker"),
        tick(T0 + 1999 * MS, 0),
    )
    assert drawn(snap, AT) == ["2 worker     ━━━━━╳━━━━━━━━━━━━━━"]
    later = Window(T0 // (10 * MS) + 50, 12, 10 * MS)
    assert drawn(snap, later) == ["2 worker     ━━━━━╳╻━━━━━"]


def test_a_request_in_flight_is_drawn_until_now() -> None:
    from gwtop.nouns.facts import InFlight
    from gwtop.nouns.times import instant

    flying = [InFlight(1, 1, "GET", "/", instant(T0 + 700 * MS), 1)]
    snap = snapshot(seen(1, 0, "worker", "w"), tick(T0 + 1000 * MS, 0, in_flight=flying))
    assert drawn(snap, AT) == ["1 worker     ━━━━━━━▒▒▒▒"]


def test_requests_of_unknown_processes_have_a_line_without_a_string() -> None:
    snap = snapshot(request(1, T0 + 390 * MS, duration_ns=180 * MS), tick(T0 + S, 1))
    assert drawn(snap, AT) == ["pid not known  ██"]


def test_many_workers_fold_into_one_line_that_says_how_many_were_busy() -> None:
    facts: list[object] = [seen(n, 0, "worker", "w") for n in range(1, 21)]
    facts += [request(n, T0 + 490 * MS, pid=n, duration_ns=80 * MS) for n in range(3, 21)]
    facts += [request(50 + n, T0 + 890 * MS, pid=n, duration_ns=80 * MS) for n in range(3, 6)]
    facts += [request(90, T0 + 1290 * MS, pid=7, status=500, duration_ns=80 * MS)]
    snap = snapshot(*facts, tick(T0 + 1999 * MS, 0))
    shown = drawn(snap, AT, 3)
    assert shown[:2] == [f"{n} worker     " + "━" * 20 for n in (1, 2)]
    assert shown[2] == "worker ×18   ━━━━█━━━▂━━━5━━━━━━━"
    assert len(drawn(snap, AT, 20)) == 20


def test_lines_that_did_nothing_give_way_first() -> None:
    quiet = [seen(90, 0, "front", "f"), seen(91, 0, "master", "m"), seen(92, 0, "other", "o")]
    workers = [seen(n, 0, "worker", "w") for n in (1, 2)]
    snap = snapshot(*quiet, *workers, tick(T0 + S, 0))
    names = [[line[:10].strip() for line in drawn(snap, AT, n)] for n in (5, 4, 3, 2)]
    assert names == [
        ["90 front", "91 master", "1 worker", "2 worker", "92 other"],
        ["90 front", "91 master", "1 worker", "2 worker"],
        ["91 master", "1 worker", "2 worker"],
        ["1 worker", "2 worker"],
    ]


def test_rain_that_is_too_dense_becomes_columns() -> None:
    facts: list[object] = []
    for n in range(400):
        at = T0 + n * 5 * MS
        facts += [born(100 + n, at), request(n, at, pid=100 + n, status=500 if n == 210 else 200)]
        facts.append(exited(100 + n, at))
    shown = drawn(snapshot(*facts), AT, 4)
    assert [line[:13].strip() for line in shown] == ["cgi ×400", "5 a block", "", ""]
    assert [line[13:] for line in shown] == ["■" * 20] * 3 + ["■" * 10 + "5" + "■" * 9]


@pytest.mark.parametrize("name", ["cgi", "pool"])
@pytest.mark.parametrize("width", WIDTHS)
def test_two_recorded_sessions_give_the_same_lifelines(name: str, width: int) -> None:
    snap = session(name)
    assert snap.now_at is not None
    lines: list[str] = []
    for span_ns in (5 * S, S, 200 * MS):
        shown = window(snap.now_at - span_ns - S, snap.now_at - S, width)
        lines.append(f"# {span_words(shown)}")
        lines += [f"{line}|" for line in drawn(snap, shown, 8)]
    golden = Path(__file__).parent / "lifelines" / f"{name}-{width}.txt"
    got = "\n".join(lines) + "\n"
    if os.environ.get("GWTOP_GOLDEN") == "write":
        golden.write_text(got, encoding="utf-8")
    assert got == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["cgi", "pool"])
def test_cells_are_the_same_wherever_the_window_ends(name: str) -> None:
    """Scrolling and time move a picture; they do not redraw it."""
    snap = session(name)
    assert snap.now_at is not None
    for cell_ns in (20 * MS, 100 * MS):
        one = ending(snap.now_at, 60, cell_ns)
        pairs = [ending(snap.now_at - n * cell_ns, 60, cell_ns) for n in range(1, 12)]
        for other in pairs:
            moved = other.first - one.first
            for a, b in zip(lives(snap, one, 4), lives(snap, other, 4), strict=True):
                assert text(a)[1 : 58 + moved] == text(b)[1 - moved : 58]


@pytest.mark.parametrize("name", ["cgi", "pool"])
def test_at_any_width_a_moment_has_the_same_cells(name: str) -> None:
    """A narrower terminal shows less of the past, and of that the same."""
    snap = session(name)
    assert snap.now_at is not None
    for cell_ns in (10 * MS, 50 * MS, 200 * MS):
        widest = lives(snap, ending(snap.now_at, 240, cell_ns), 4)
        for width in range(60, 240):
            narrow = lives(snap, ending(snap.now_at, width, cell_ns), 4)
            for a, b in zip(widest, narrow, strict=True):
                assert text(a)[240 - width + 2 :] == text(b)[2:], (cell_ns, width)


def test_rings_and_requests_draw_the_same() -> None:
    """A process gets rings at its 24th request, and nothing on the screen may move for that."""
    many = [request(n, T0 + n * 37 * MS, pid=1, duration_ns=11 * MS) for n in range(RINGS_FROM)]
    start = seen(1, 0, "worker", "w")
    rows = snapshot(start, *many[:-1])
    rings = snapshot(start, *many)
    assert not rows.lifelines.strings(0)[0].rings and rings.lifelines.strings(0)[0].rings
    for cell_ns in STEPS_NS[3:12]:
        shown = ending(T0 + 790 * MS, 50, cell_ns)
        assert drawn(rows, shown) == drawn(rings, shown), cell_ns


def test_a_window_covers_what_was_asked_in_cells_of_a_round_width() -> None:
    for width in WIDTHS:
        for span_ns in (MS, 999 * MS, 10 * S, 3600 * S):
            shown = window(T0 - span_ns, T0, width)
            assert shown.from_at <= T0 - span_ns and shown.to_at > T0
            assert shown.cell_ns in STEPS_NS and shown.n_cells == width


def test_a_spot_is_the_newest_request_there_or_the_process() -> None:
    asked = [request(n, T0 + n * 100 * MS + 50 * MS, pid=1, duration_ns=9 * MS) for n in (3, 5)]
    snap = snapshot(seen(1, 0, "worker", "w"), *asked, tick(T0 + S, 2))
    (life,) = lives(snap, AT, 4)
    found = spot(snap, life, T0 + 300 * MS, 100 * MS)
    assert found is not None and (found.pid, found.number) == (1, 0)
    found = spot(snap, life, T0 + 500 * MS, 100 * MS)
    assert found is not None and found.number == 1
    found = spot(snap, life, T0 + 400 * MS, 100 * MS)
    assert found is not None and (found.pid, found.number) == (1, None)


def test_a_spot_finds_requests_that_the_line_no_longer_holds() -> None:
    many = [request(n, T0 + n * 2 * MS, pid=1 + n % 2, duration_ns=MS) for n in range(4000)]
    snap = snapshot(seen(1, 0, "worker", "w"), seen(2, 0, "worker", "w"), *many)
    life = lives(snap, AT, 4)[1]
    found = spot(snap, life, T0 + 400 * MS, 100 * MS)
    assert found is not None and found.pid == 2 and found.number == 201


def test_the_axis_says_when() -> None:
    assert (
        "".join(c.text for c in axis(Window(AT.first, 45, AT.cell_ns)))
        == ("╵06:00:00           ╵06:00:02           ╵06:00")[:45].rstrip()
    )
    fine = Window(T0 // MS, 30, MS)
    assert "".join(c.text for c in axis(fine)).startswith("╵06:00:00.000")


def test_every_glyph_is_one_cell_and_has_an_ascii_form() -> None:
    from rich.cells import cell_len

    for glyph, plain, _, _ in GLYPHS.values():
        assert cell_len(glyph) == 1 and len(plain) == 1 and plain.isascii()
    forms = [plain for _, plain, _, _ in GLYPHS.values()]
    assert len(set(forms)) == len(forms)
    assert all(cell.text.isascii() for cell in legend(Look(ascii=True)))


def test_ascii_draws_nothing_else() -> None:
    for facts in (pool(), rain()):
        snap = snapshot(*facts)
        assert snap.now_at is not None
        for life in lives(snap, ending(snap.now_at, 70, 100 * MS), 8, Look(ascii=True)):
            assert text(life).isascii()
