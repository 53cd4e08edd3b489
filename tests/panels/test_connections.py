"""The connections' rows."""

from gwtop.model import Model
from gwtop.nouns.facts import InFlight
from gwtop.nouns.times import instant
from gwtop.panels.connections import COLUMNS, columns, lines, rows
from tests.model.test_connections import closed
from tests.screens._facts import MS, T0, S, request, tick


def test_reuse_state_and_share_are_said() -> None:
    model = Model()
    flying = [InFlight(9, 2, "GET", "/", instant(T0), 7)]
    for fact in (
        request(1, T0, connection=1, pid=7, duration_ns=500 * MS),
        request(2, T0 + S, connection=1, sequence=1, pid=8, duration_ns=250 * MS),
        request(3, T0 + S, connection=2, duration_ns=100 * MS),
        request(4, T0, connection=3),
        closed(3),
        tick(T0 + S, 4, in_flight=flying),
    ):
        model.apply(fact)
    snapshot = model.snapshot()
    shown = [[cell.text for cell in row.cells][3:] for row in rows(snapshot)]
    assert shown == [
        ["○ open", "1.5 s", "2", "50 %", "8 +1"],
        ["● busy", "100 ms", "1", "100 %", "–"],
        ["fin", "2.0 s", "1", "0.6 %", "–"],
    ]
    told = [
        "".join(cell.text for cell in line) for line in lines(snapshot.connections[0], snapshot)
    ]
    assert "carried      2 requests, busy 50 %" in told and "answered by  7, 8" in told
    told = [
        "".join(cell.text for cell in line) for line in lines(snapshot.connections[2], snapshot)
    ]
    assert "closed       06:00:01, fin" in told


def test_where_clients_are_unnamed_sockets_the_room_is_the_servers() -> None:
    model = Model()
    path = "unix:/run/" + "a-long-name/" * 7 + "app.sock"
    model.apply(request(1, T0, connection=1, client="unix:", server=path))
    snapshot = model.snapshot()
    (row,) = rows(snapshot)
    assert row.cells[2].text == path, "with its end"
    assert [c.name for c in columns(snapshot) if c.grow] == ["server"]
    model.apply(request(2, T0, connection=2))
    assert columns(model.snapshot()) == COLUMNS
    told = "".join(cell.text for cell in lines(snapshot.connections[0], snapshot)[0])
    assert told == f"between      unix: → {path}"
