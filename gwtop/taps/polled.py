"""Births without the kernel's help: the tree is looked at, and what changed is told.

In: the tree as the tracker knows it, ten times a second. Out: `Forked`, `Execed`, `Exited`. It
refuses to know what lived and died between two looks, how a process ended, and a child whose
parent had died before the look (it belongs to init by then).

A birth's stamp comes from /proc in ticks of 10 ms. The end of the tick is told, not its
beginning: a process never seems older than the request that made it. An exec is inferred: another
executable, or, in the first second (later a changed argv is a server that rewrites its title),
another argv than the parent's.
"""

from collections.abc import Collection
from dataclasses import dataclass

from gwtop import clock
from gwtop.nouns.records import Execed, Exited, Forked, Record
from gwtop.nouns.times import MILLISECOND_NS, SECOND_NS, Nanos
from gwtop.taps import kinship, proc

POLL_NS = 100 * MILLISECOND_NS
TITLE_NS = SECOND_NS
GONE_STATES = ("Z", "X", "x")  # proc_pid_stat(5): zombie, dead


@dataclass(slots=True)
class _Known:
    stat: proc.Stat
    argv: tuple[bytes, ...] | None
    exe: bytes | None
    ended: bool = False


class Polled:
    def __init__(self) -> None:
        self._known: dict[int, _Known] = {}

    def read(self, tree: Collection[int], now: Nanos) -> list[Record]:
        """What changed since the look before. Those of `tree` we see first are not news."""
        records: list[Record] = []
        stats = {pid: stat for pid in kinship.descendants(tree) if (stat := proc.stat(pid))}
        for pid in self._known.keys() - stats.keys():
            if not self._lives(pid):  # else it left the tree, not the world
                records += self._exited(pid, now)
            del self._known[pid]
        for pid in sorted(stats, key=lambda pid: (stats[pid].born_ticks, pid)):
            records += self._compare(pid, stats[pid], pid in tree, now)
        return records

    def _lives(self, pid: int) -> bool:
        stat = proc.stat(pid)
        return stat is not None and stat.born_ticks == self._known[pid].stat.born_ticks

    def _exited(self, pid: int, now: Nanos) -> list[Record]:
        known = self._known[pid]
        told, known.ended = known.ended, True
        return [] if told else [Exited(now, pid, None, None)]

    def _compare(self, pid: int, stat: proc.Stat, in_tree: bool, now: Nanos) -> list[Record]:
        known = self._known.get(pid)
        if known is None:
            return self._met(pid, stat, in_tree, now)
        if known.stat.born_ticks != stat.born_ticks:  # the pid was given to another process
            records = self._exited(pid, now)
            return records + self._met(pid, stat, False, now)
        if stat.state in GONE_STATES:
            return self._exited(pid, now)
        return self._execed(pid, known, _born_at(stat, now), now)

    def _met(self, pid: int, stat: proc.Stat, in_tree: bool, now: Nanos) -> list[Record]:
        if in_tree:
            self._known[pid] = _Known(stat, proc.argv(pid), proc.exe(pid))
            return []
        born_at = _born_at(stat, now)
        above = self._known.get(stat.parent)
        # Born with its parent's program: what differs by now came by exec.
        known = _Known(stat, above.argv if above else None, above.exe if above else None)
        self._known[pid] = known
        records: list[Record] = [Forked(born_at, pid, stat.parent)]
        if stat.state in GONE_STATES:
            return records + self._exited(pid, now)
        return records + self._execed(pid, known, born_at, now)

    def _execed(self, pid: int, known: _Known, born_at: Nanos, now: Nanos) -> list[Record]:
        exe = proc.exe(pid)
        argv = proc.argv(pid) if now - born_at < TITLE_NS else known.argv
        if argv is None or (exe == known.exe and argv == known.argv):
            return []
        known.argv, known.exe = argv, exe
        return [Execed(now, pid, *proc.image(pid))]


def _born_at(stat: proc.Stat, now: Nanos) -> Nanos:
    return min(now, proc.born_at(stat.born_ticks, clock.boot_offset_ns()) + proc.tick_ns())
