"""Tables in another order: each column of each panel sorts by what it stands for."""

import pytest

from gwtop.model import Model, Snapshot
from gwtop.panels import Row, connections, discover, errors, notes, processes, routes
from gwtop.panels._sorting import Sort, arranged
from tests.screens._facts import MS, T0, S, born, exited, note, pool, rain, request, sample, tick


def snapshot_of(facts: list[object]) -> Snapshot:
    model = Model()
    for fact in facts:
        model.apply(fact)  # type: ignore[arg-type]
    return model.snapshot()


def column(rows: list[Row], place: int) -> list[str]:
    return [row.cells[place].text for row in rows]


def test_what_is_not_known_comes_last_in_both_directions() -> None:
    items = [3, None, 1, 2, None]
    keys = {"n": lambda item: item}
    assert arranged(items, Sort("n"), keys) == [3, 2, 1, None, None]
    assert arranged(items, Sort("n", False), keys) == [1, 2, 3, None, None]
    assert arranged(items, Sort("m"), keys) == arranged(items, None, keys) == items


def test_equal_values_keep_their_order() -> None:
    items = [("a", 1), ("b", 1), ("c", 2)]
    keys = {"n": lambda item: item[1]}
    assert [name for name, _ in arranged(items, Sort("n"), keys)] == ["c", "a", "b"]


@pytest.mark.parametrize("panel", [connections, errors, notes, processes, routes])
def test_every_column_that_says_so_sorts_and_loses_no_row(panel: object) -> None:
    facts = [*rain(), note(T0 + S), note(T0 + S, code="b", text="later", pid=None)]
    facts += [born(900, T0), exited(900, T0 + S, code=3), exited(4700, T0 + 6 * S)]
    snapshot = snapshot_of(facts)
    plain = {row.key for row in panel.rows(snapshot)}  # type: ignore[attr-defined]
    assert len(plain) > 1
    for name in panel.SORTS:  # type: ignore[attr-defined]
        up = panel.rows(snapshot, sort=Sort(name, False))  # type: ignore[attr-defined]
        down = panel.rows(snapshot, sort=Sort(name))  # type: ignore[attr-defined]
        assert {row.key for row in up} == {row.key for row in down} == plain


def test_every_panel_can_be_sorted_by_columns_that_it_has() -> None:
    for panel in discover().values():
        names = {c.name for c in panel.COLUMNS}
        assert set(panel.SORTS) <= names and len(panel.SORTS) >= 5  # type: ignore[attr-defined]


def test_routes_sort_by_numbers_and_not_by_their_text() -> None:
    facts: list[object] = [
        request(n, T0, target=f"/{name}", duration_ns=took * MS)
        for n, (name, took) in enumerate([("a", 9), ("b", 100), ("c", 2_000)])
    ]
    snapshot = snapshot_of(facts)
    assert column(routes.rows(snapshot, sort=Sort("p99")), 1) == ["/c", "/b", "/a"]
    assert column(routes.rows(snapshot, sort=Sort("route", False)), 1) == ["/a", "/b", "/c"]


def test_sorted_processes_are_a_list_the_longest_at_work_first() -> None:
    snapshot = snapshot_of(pool())
    busiest = processes.rows(snapshot, sort=Sort("doing"))
    assert column(busiest, 0) == ["1208", "1207", "1210", "1209", "1203"]
    assert column(processes.rows(snapshot, sort=Sort("rss")), 6)[-1] == "18M"


def test_respawns_are_counted_at_the_parent() -> None:
    snapshot = snapshot_of(
        [*pool(), exited(1207, T0 + 11 * S), exited(1208, T0 + 11 * S), sample(T0 + 12 * S, 1203)]
    )
    master = next(row for row in processes.rows(snapshot) if row.cells[0].text == "1203")
    assert master.cells[8].text == "2"


def test_connections_and_errors_sort_too() -> None:
    facts: list[object] = [
        request(n, T0 + n * S, connection=n % 3, sequence=n // 3, status=500, pid=7 + n)
        for n in range(7)
    ]
    snapshot = snapshot_of([*facts, tick(T0 + 8 * S, 7)])
    assert column(connections.rows(snapshot, sort=Sort("requests")), 5) == ["3", "2", "2"]
    newest = column(errors.rows(snapshot, sort=Sort("pid")), 2)
    assert newest == ["13", "12", "11", "10", "9", "8", "7"]


def test_rows_that_are_made_late_are_the_same_rows() -> None:
    snapshot = snapshot_of([*rain(), *pool()[1:]])
    for panel in (connections, errors):
        for sort in (None, Sort("pid"), Sort("pid", False)):
            late, rows = panel.lazy(snapshot, sort=sort), panel.rows(snapshot, sort=sort)
            assert len(late) == len(rows) > 2
            assert [*late.between(0, 2), *late.between(2, 9_999)] == rows == list(late)
            assert late.between(-5, 1) == rows[:1]
            assert [late.key_at(n) for n in range(len(rows))] == [row.key for row in rows]
            assert late.place_of(rows[1].key) == 1 and late.place_of(10**9) is None
