"""Close looks at the processes of the made-up pool, and at one that says hostile things of itself.

Out: facts, as those of `_facts`.
"""

from gwtop.nouns.facts import ProcessDetail, ProcessMemory, ProcessSocket, ProcessThread
from gwtop.nouns.times import instant
from tests.screens._facts import HOSTILE, MS, T0, S, pool

LOOKED_AT = T0 + 10 * S


def looked(pid: int = 1209, at: int = LOOKED_AT, **other: object) -> ProcessDetail:
    here, there = "127.0.0.1:3031", "127.0.0.1:50037"
    told: dict[str, object] = {
        "at": instant(at),
        "pid": pid,
        "state": "S",
        "born_at": instant(T0 - 3600 * S + 4 * MS),
        "start_ticks": 360_000 + pid,
        "parent": 1203,
        "uid": 33,
        "exe": "/usr/bin/uwsgi-core",
        "cwd": "/srv/shop",
        "language": "python",
        "argv": ["uwsgi", "--socket", ":3031", "-p", "4"],
        "environ": [
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
            ("DATABASE_PASSWORD", "[redacted]"),
            ("LANG", "C.UTF-8"),
        ],
        "memory": ProcessMemory(44 << 20, 51 << 20, 0, 312 << 20),
        "cpu_ns": 8_120 * MS,
        "fds": 11,
        "sockets": [
            ProcessSocket(3, "tcp", here, None, "listening", None),
            ProcessSocket(9, "tcp", here, there, "established", 37),
            ProcessSocket(10, "tcp", "127.0.0.1:41022", "127.0.0.1:5432", "established", None),
            ProcessSocket(11, "unix", "unix:", "unix:/run/redis.sock", "established", None),
        ],
        "threads": [
            ProcessThread(pid, "uwsgi", "S", 8_000 * MS + (at - LOOKED_AT) // 8),
            ProcessThread(pid + 1000, "uwsgi-cheaper", "R", 120 * MS),
        ],
        "n_threads": 2,
        "unread": {},
    }
    return ProcessDetail(**(told | other))  # type: ignore[arg-type]


def not_there(pid: int = 1209, at: int = LOOKED_AT + 2 * S) -> ProcessDetail:
    nothing: dict[str, object] = dict.fromkeys(
        ("state", "born_at", "start_ticks", "parent", "uid", "exe", "cwd", "language", "argv")
    )
    nothing |= dict.fromkeys(("environ", "memory", "cpu_ns", "fds", "sockets", "threads"))
    return looked(pid, at, **nothing, n_threads=None)


def looked_at_pool() -> list[object]:
    """The pool of `_facts`, one of its workers looked at twice, a second apart."""
    return [*pool(), looked(), looked(at=LOOKED_AT + S)]


def hostile_looks() -> list[object]:
    """Everything that a process can say of itself, said with each of HOSTILE."""
    found: list[object] = []
    for n, text in enumerate(HOSTILE):
        found.append(
            looked(
                100 + n,
                T0 + 3 * S,
                born_at=None,
                exe=text,
                cwd=text,
                language=text,
                argv=[text, text],
                environ=[(text, text), ("A", text)],
                sockets=[ProcessSocket(3, text, text, text, text, 1)],
                threads=[ProcessThread(100 + n, text, text, 1)],
                unread={"exe": text},
            )
        )
    return found
