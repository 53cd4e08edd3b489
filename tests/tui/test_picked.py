"""Which requests are shown, and in what order, while they come and go."""

from gwtop.model import Model
from gwtop.model.filter import parse
from gwtop.panels import Look
from gwtop.tui.cursor import Listed
from gwtop.tui.picked import STEP_ROWS, Picked, next_match
from tests.screens._facts import MS, T0, request

LOOK = Look()


def model(n: int, kept: int = 100_000) -> Model:
    made = Model(kept_rows=kept)
    for i in range(n):
        add(made, i)
    return made


def add(made: Model, i: int) -> None:
    status = 500 if i % 10 == 3 else 200
    took = None if i % 7 == 6 else (i * 37 % 101) * MS
    made.apply(request(i, T0 + i * MS, status=status, duration_ns=took))


def numbers(picked: Picked, made: Model) -> list[int]:
    source = picked.source(made.snapshot(), LOOK)
    return [source.key_at(n) for n in range(source.first, source.end)]


def test_a_filter_is_kept_up_as_requests_come() -> None:
    made, picked = model(25), Picked()
    picked.choose(parse("status=500"))
    assert numbers(picked, made) == [3, 13, 23]
    for i in range(25, 45):
        add(made, i)
    assert numbers(picked, made) == [3, 13, 23, 33, 43]
    picked.choose(parse(""))
    assert picked.is_all and len(numbers(picked, made)) == 45


def test_requests_that_are_no_longer_kept_leave_the_list() -> None:
    made, picked = model(1000, kept=1024), Picked()
    picked.choose(parse("status=500"))
    assert numbers(picked, made)[0] == 3
    for i in range(1000, 3000):
        add(made, i)
    got = numbers(picked, made)
    first = made.snapshot().requests.first
    assert first > 0 and got == [n for n in range(first, 3000) if n % 10 == 3]
    picked.sort("took")
    assert sorted(numbers(picked, made)) == got


def test_many_requests_are_asked_a_bounded_number_at_a_time() -> None:
    made, picked = model(STEP_ROWS + 10), Picked()
    picked.choose(parse("status=500"))
    snapshot = made.snapshot()
    picked.source(snapshot, LOOK)
    assert picked.n_behind == 10
    picked.source(snapshot, LOOK)
    assert picked.n_behind == 0


def test_sorted_by_a_column_with_the_unknown_last() -> None:
    made, picked = model(30), Picked()
    snapshot = made.snapshot()
    picked.turn("took")
    got = numbers(picked, made)
    took = [snapshot.requests[n].duration_ns for n in got]
    known = [value for value in took if value is not None]
    assert known == sorted(known, reverse=True) and took[len(known) :] == [None] * 4
    picked.turn("took")
    up = [snapshot.requests[n].duration_ns for n in numbers(picked, made)][: len(known)]
    assert up == sorted(known)
    picked.turn("took")
    assert picked.is_all


def test_a_row_is_found_in_sorted_and_in_filtered_lists() -> None:
    made, picked = model(30), Picked()
    picked.sort("took")
    for filtered in ("", "status=500"):
        picked.choose(parse(filtered))
        source = picked.source(made.snapshot(), LOOK)
        for place in range(source.first, source.end):
            assert source.number_of(source.key_at(place)) == place
            assert source.rows(place, place + 1)[0].key == source.key_at(place)
        assert source.number_of(10_000) is None


def test_marks_and_only_them() -> None:
    made, picked = model(30), Picked()
    picked.toggle_mark(5)
    picked.toggle_mark(7)
    picked.toggle_only_marked()
    assert numbers(picked, made) == [5, 7]
    picked.toggle_mark(5)
    assert numbers(picked, made) == [7]


def test_the_next_match_goes_around_once() -> None:
    made, picked = model(30), Picked()
    snapshot = made.snapshot()
    source = picked.source(snapshot, LOOK)
    wanted = parse("status=500")
    assert next_match(source, snapshot, wanted, 30, -1) == 23
    assert next_match(source, snapshot, wanted, 3, -1) == 23
    assert next_match(source, snapshot, wanted, 3, 1) == 13
    assert next_match(source, snapshot, parse("status=404"), 3, 1) is None
    assert next_match(Listed(), snapshot, wanted, 0, 1) is None
