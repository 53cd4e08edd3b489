"""A comparison of gateways: what is measured of each, and what came out.

Made by `gwtop.compare`, shown by `gwtop.outputs.comparison`. A cell that could not be measured has
no value, and the reason.
"""

from dataclasses import dataclass

Value = float | bool | str


@dataclass(frozen=True, slots=True)
class Cell:
    value: Value | None
    """None: not measured."""
    why: str | None = None
    """Why there is no value. None: there is one."""


@dataclass(frozen=True, slots=True)
class Column:
    key: str
    title: str
    unit: str
    """ "" for counts, words and yes or no."""
    head: str
    """The title where there is little room."""


COLUMNS = (
    Column("requests_per_s_1", "requests/s, 1 client", "/s", "req/s, 1 client"),
    Column("requests_per_s_8", "requests/s, 8 clients", "/s", "req/s, 8 clients"),
    Column("p50_ms", "median, 8 clients", "ms", "median"),
    Column("p99_ms", "99th percentile, 8 clients", "ms", "p99"),
    Column("processes_per_request", "processes made per request", "", "processes per request"),
    Column("cpu_ms", "CPU of the server side per request", "ms", "CPU per request"),
    Column("memory_mb", "memory in all (PSS)", "MB", "memory, all"),
    Column("worker_mb", "memory of a worker (RSS)", "MB", "a worker"),
    Column("segments", "segments per mixed request on the hop, no bare ACKs", "", "segments"),
    Column("wire_bytes", "bytes per mixed request on the hop", "B", "bytes"),
    Column("connections", "connections per mixed request on the hop", "", "connections"),
    Column("first_answer_ms", "start to first answer", "ms", "first answer"),
    Column("edit_takes_effect", "changed file takes effect", "", "changed file takes effect"),
    Column("idle_interpreters", "idle children with an interpreter", "", "idle with interpreter"),
    Column("interpreter", "interpreter of a worker, as mapped", "", "interpreter of a worker"),
    Column("model", "process model, as seen", "", "process model"),
)


@dataclass(frozen=True, slots=True)
class Compared:
    """One demo's row."""

    name: str
    cells: dict[str, Cell]
    """By `Column.key`, every one of them."""

    @classmethod
    def failed(cls, name: str, why: str) -> "Compared":
        """A demo that could not be measured at all."""
        return cls(name, {column.key: Cell(None, why) for column in COLUMNS})
