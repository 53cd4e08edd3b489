"""A close look in words: every section, its limits, and what could not be read."""

from gwtop.model import Model, Snapshot
from gwtop.nouns.facts import ProcessSocket, ProcessThread
from gwtop.panels import Cell
from gwtop.panels._anatomy import MAX_VALUE_LINES, SHOWN_SOCKETS, Entry
from gwtop.panels._process import Asked, entries, title
from tests.screens._facts import S, exited, pool
from tests.screens._people import LOOKED_AT, looked, looked_at_pool, not_there

WIDTH = 78


def snapshot_of(*facts: object) -> Snapshot:
    model = Model()
    for fact in facts:
        model.apply(fact)  # type: ignore[arg-type]
    return model.snapshot()


def told(*facts: object, asked: Asked = Asked()) -> list[Entry]:  # noqa: B008  # frozen
    snapshot = snapshot_of(*facts)
    process = next(p for p in snapshot.processes if p.pid == 1209)
    return entries(process, snapshot, WIDTH, asked=asked)


def words(found: list[Entry]) -> list[str]:
    return ["".join(cell.text for cell in entry.line).rstrip() for entry in found]


def section(found: list[Entry], head: str) -> list[str]:
    texts = words(found)
    first = next(n for n, text in enumerate(texts) if text.startswith(head))
    end = next((n for n in range(first, len(texts)) if not texts[n]), len(texts))
    return texts[first:end]


def test_memory_and_where_it_runs() -> None:
    got = section(told(*looked_at_pool()), "memory")
    assert got[:4] == [
        "memory       44M",
        "cpu          70 % of a core",
        "threads      1",
        "descriptors  9",
    ]
    texts = words(told(*looked_at_pool()))
    assert "resident     44M, 51M at most" in texts and "swapped out  0B" in texts
    assert "program      /usr/bin/uwsgi-core" in texts and "user id      33" in texts


def test_threads_with_what_they_spent_since_the_last_look() -> None:
    got = section(told(*looked_at_pool()), "threads 2")
    assert got == [
        "threads 2",
        "1209         uwsgi            asleep                  12 %  8.1 s in all",
        "2209         uwsgi-cheaper    running                  0 %  120 ms in all",
    ]


def test_sockets_with_their_peers_and_the_watched_connection_which_opens() -> None:
    found = told(*looked_at_pool())
    assert section(found, "open sockets") == [
        "open sockets 4  of 11 descriptors",
        "fd 3         tcp    127.0.0.1:3031  listening",
        "fd 9         tcp    127.0.0.1:3031 ↔ 127.0.0.1:50037  established  watched connection 37",
        "fd 10        tcp    127.0.0.1:41022 ↔ 127.0.0.1:5432  established",
        "fd 11        unix   unix: ↔ unix:/run/redis.sock  established",
    ]
    assert ("connections", 37) in [entry.opens for entry in found]


def test_argv_word_by_word_and_environ_sorted_and_redacted() -> None:
    found = told(*looked_at_pool())
    assert section(found, "command line")[1:3] == ["0            uwsgi", "1            --socket"]
    assert section(found, "environ")[1:] == [
        "DATABASE_PASSWORD [redacted]",
        "LANG         C.UTF-8",
        "PATH         /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ]


def test_the_last_requests_open_and_so_do_relatives() -> None:
    found = told(*looked_at_pool())
    got = section(found, "last 10 requests")
    assert got[1] == ("06:00:09 500  41 ms  GET  /users/17/cart  9.5 ms in the queue")
    opened = [entry.opens for entry in found if entry.opens]
    assert opened[:3] == [("processes", 0), ("requests", 38), ("requests", 34)]
    assert len([one for one in opened if one[0] == "requests"]) == 10
    snapshot = snapshot_of(*looked_at_pool())
    master = entries(snapshot.processes[0], snapshot, WIDTH)
    assert [entry.opens for entry in master if entry.opens] == [
        ("processes", n) for n in (1, 2, 3, 4)
    ]


def test_what_could_not_be_read_says_why() -> None:
    why = {"environ": "another user's; sudo x", "exe": "hidden", "sockets": "hidden too"}
    found = told(*pool(), looked(environ=None, exe=None, sockets=None, argv=None, unread=why))
    assert section(found, "environ") == ["environ", "not known    another user's; sudo x"]
    assert section(found, "open sockets")[1] == "not known    hidden too"
    assert section(found, "command line")[1] == "not known    it could not be read"
    assert "program      hidden" in words(found)


def test_one_that_has_ended_says_when_it_was_last_looked_at() -> None:
    dead = exited(1209, LOOKED_AT + 2 * S, code=1)
    for end in (dead, not_there()):
        texts = words(told(*looked_at_pool(), end))
        assert "memory  as it was at 06:00:11, when it was last looked at" in texts
    snapshot = snapshot_of(*looked_at_pool(), dead)
    gone = next(p for p in snapshot.processes if p.pid == 1209)
    assert "".join(cell.text for cell in title(gone)) == "process 1209 ── worker ── † gone"


def test_before_the_first_look_it_says_who_is_asked() -> None:
    assert words(told(*pool()))[-1] == "the engine is asked …"
    alone = words(told(*pool(), asked=Asked(engine=False)))[-1]
    assert alone == "only an engine on the process's own machine can be asked for them"


def test_stack_and_signal_stand_where_they_are_seen() -> None:
    asked = Asked(True, ((Cell("frame (app.py:7)"),),), (Cell("SIGHUP sent"),))
    texts = words(told(*pool(), asked=asked))
    assert texts[0] == "SIGHUP sent"
    assert texts[texts.index("stack") + 1] == "frame (app.py:7)"


def test_long_values_are_folded_and_cut_and_many_are_counted() -> None:
    sockets = [ProcessSocket(n, "tcp", "a", "b", None, None) for n in range(SHOWN_SOCKETS + 5)]
    threads = [ProcessThread(n, "t", "S", 0) for n in range(3)]
    long = [("LONG", "x" * 100_000), ("SHORT", "y" * 100)]
    changes = {"environ": long, "sockets": sockets, "threads": threads, "n_threads": 900}
    found = told(*pool(), looked(**changes))
    got = section(found, "environ")
    assert got[1 + MAX_VALUE_LINES] == " " * 13 + "… 100,000 characters"
    assert [line.strip() for line in got[-2:]] == ["SHORT        " + "y" * 65, "y" * 35]
    assert section(found, "open sockets")[-1].strip() == "and 5 more"
    assert section(found, "threads 900")[-1].strip() == "and 897 more"
    assert all(len(text) <= WIDTH + 20 for text in got)
