"""The routes' rows."""

from gwtop.model import Model
from gwtop.panels.routes import rows
from tests.screens._facts import MS, T0, S, request, tick


def test_a_route_is_counted_in_words() -> None:
    model = Model()
    for n in range(3):
        model.apply(
            request(n, T0, target=f"/u/{n}?x", duration_ns=10 * MS, status=500 if n else 200)
        )
    model.apply(request(3, T0, target=None, method=None, duration_ns=None))
    model.apply(tick(T0 + S, 4))
    first, second = rows(model.snapshot())
    assert [cell.text for cell in first.cells] == [
        *("GET", "/u/N", "3", "0.3/s", "10 ms", "10 ms", "10 ms", "2", "3.0K", "100 %")
    ]
    assert [cell.text for cell in second.cells][:6] == ["–", "–", "1", "0.1/s", "–", "–"]
    assert first.cells[7].style == "bad"
