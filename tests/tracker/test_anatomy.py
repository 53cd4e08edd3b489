"""A process looked at closely, as a fact: whose it is, what is blanked, which sockets are ours."""

from dataclasses import replace

from gwtop.nouns.anatomy import Anatomy, Memory, Socket, Thread
from gwtop.nouns.times import MILLISECOND_NS as MS
from gwtop.nouns.times import SECOND_NS, instant
from gwtop.nouns.wire import Opened
from gwtop.tracker import anatomy
from gwtop.tracker.connections import Connection
from gwtop.tracker.process import Process

T0 = 1_800_000_000 * SECOND_NS
SEEN = Anatomy(
    at=T0 + SECOND_NS,
    pid=7,
    state="S",
    start_ticks=4711,
    born_at=T0 - 4 * MS,
    parent=1,
    uid=33,
    exe=b"/usr/bin/caf\xc3\xa9",
    cwd=b"/srv",
    language="python",
    argv=(b"srv", b"-m", b"\x1b[2J"),
    environ=((b"HOME", b"/srv"), (b"DB_PASSWORD", b"hunter2")),
    memory=Memory(1, 2, 3, 4),
    cpu_ns=5,
    n_fds=3,
    sockets=(
        Socket(3, "tcp", "127.0.0.1:9000", None, "listening"),
        Socket(4, "tcp", "127.0.0.1:9000", "127.0.0.1:50412", "established"),
    ),
    threads=(Thread(7, b"srv", "S", 5),),
    n_threads=1,
    unread=(("cwd", "why"),),
)


def process(born_at: int | None = T0) -> Process:
    made = Process(7, 1, None)
    made.born_at = born_at
    return made


def test_what_was_read_is_told_in_text_with_secrets_blanked() -> None:
    fact = anatomy.told(SEEN, process(), [], show_secrets=False)
    assert (fact.state, fact.start_ticks, fact.uid, fact.language) == ("S", 4711, 33, "python")
    assert fact.born_at == instant(T0 - 4 * MS)
    assert fact.exe == b"/usr/bin/caf\xc3\xa9".decode("latin-1")
    assert fact.argv == ["srv", "-m", "\x1b[2J"]
    assert fact.environ == [("HOME", "/srv"), ("DB_PASSWORD", "[redacted]")]
    assert fact.memory is not None and fact.memory.peak_rss_bytes == 2
    assert fact.threads is not None and fact.threads[0].name == "srv"
    assert fact.unread == {"cwd": "why"}


def test_secrets_are_told_when_they_are_asked_for() -> None:
    fact = anatomy.told(SEEN, process(), [], show_secrets=True)
    assert fact.environ == [("HOME", "/srv"), ("DB_PASSWORD", "hunter2")]


def test_a_socket_says_which_watched_connection_it_is_the_end_of() -> None:
    ours = Connection(Opened(T0, 12, "127.0.0.1:50412", "127.0.0.1:9000", True))
    fact = anatomy.told(SEEN, process(), [ours], show_secrets=False)
    assert fact.sockets is not None
    assert [(held.fd, held.connection) for held in fact.sockets] == [(3, None), (4, 12)]


def test_a_pid_that_came_back_is_not_the_process_that_was_meant() -> None:
    fact = anatomy.told(SEEN, process(T0 - 3600 * SECOND_NS), [], show_secrets=True)
    assert (fact.pid, fact.state, fact.argv, fact.environ) == (7, None, None, None)


def test_a_birth_that_nobody_saw_is_believed() -> None:
    assert anatomy.told(SEEN, process(None), [], show_secrets=False).state == "S"
    unborn = replace(SEEN, born_at=None)
    assert anatomy.told(unborn, process(), [], show_secrets=False).state == "S"


def test_a_process_outside_the_tree_is_told_nothing_of() -> None:
    fact = anatomy.told(SEEN, None, [], show_secrets=True)
    assert (fact.state, fact.environ, fact.sockets, fact.unread) == (None, None, None, {})
