"""A made-up machine: a table of processes and listeners in the place of /proc and the kernel.

In: `born`, `execs`, `dies`, `listens`. Out: what the functions of `proc` and `listeners` answer.
Its clock starts with it: ticks are 10 ms from boot, and boot was at instant 0.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

import pytest

from gwtop import clock
from gwtop.nouns.times import Nanos
from gwtop.taps import listeners, proc
from gwtop.taps.listeners import Listener
from gwtop.taps.proc import Image, Stat

TICK_NS = 10_000_000
Argv = tuple[bytes, ...]


@dataclass
class Person:
    stat: Stat
    argv: Argv
    exe: bytes
    links: set[str] = field(default_factory=set)
    hidden: bool = False


@dataclass
class Machine:
    people: dict[int, Person] = field(default_factory=dict)
    listening: list[Listener] = field(default_factory=list)

    def born(
        self, pid: int, parent: int, at: Nanos, argv: Argv = (b"srv",), exe: bytes = b"/srv"
    ) -> None:
        stat = Stat(exe.rsplit(b"/")[-1], "S", parent, at // TICK_NS)
        self.people[pid] = Person(stat, argv, exe)

    def forked(self, pid: int, parent: int, at: Nanos) -> None:
        above = self.people[parent]
        self.born(pid, parent, at, above.argv, above.exe)
        self.people[pid].links = set(above.links)

    def execs(self, pid: int, argv: Argv, exe: bytes) -> None:
        self.people[pid].argv, self.people[pid].exe = argv, exe

    def state(self, pid: int, letter: str) -> None:
        self.people[pid].stat = self.people[pid].stat._replace(state=letter)

    def dies(self, pid: int) -> None:
        del self.people[pid]
        for child in self.people.values():
            if child.stat.parent == pid:
                child.stat = child.stat._replace(parent=1)

    def listens(self, pid: int, port: int, inode: int, address: str = "127.0.0.1") -> None:
        found = Listener(address, port, inode, 0)
        self.listening.append(found)
        self.people[pid].links.add(found.link)

    def stops_listening(self, inode: int) -> None:
        self.listening = [found for found in self.listening if found.inode != inode]

    def holds(self, pid: int, links: Collection[str], limit: int | None = None) -> bool | None:
        person = self.people.get(pid)
        if person is None:
            return False
        return None if person.hidden else bool(person.links & set(links))

    def held(
        self, pid: int, links: Collection[str], limit: int | None = None
    ) -> frozenset[str] | None:
        person = self.people.get(pid)
        if person is None:
            return frozenset()
        return None if person.hidden else frozenset(person.links & set(links))

    def image(self, pid: int) -> Image:
        person = self.people.get(pid)
        return Image(person.argv, person.exe, ((b"A", b"b"),)) if person else proc.NO_IMAGE

    def exe(self, pid: int) -> bytes | None:
        person = self.people.get(pid)
        return None if person is None or person.hidden else person.exe

    def children(self, pid: int) -> list[int]:
        return [child for child, person in self.people.items() if person.stat.parent == pid]

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        people = self.people
        fakes = {
            "stat": lambda pid: people[pid].stat if pid in people else None,
            "argv": lambda pid: people[pid].argv if pid in people else None,
            "exe": self.exe,
            "image": self.image,
            "children": self.children,
            "holds": self.holds,
            "held": self.held,
            "all_pids": lambda: list(people),
            "lists_children": lambda: True,
            "tick_ns": lambda: TICK_NS,
        }
        for name, fake in fakes.items():
            monkeypatch.setattr(proc, name, fake)
        monkeypatch.setattr(listeners, "tcp", lambda: list(self.listening))
        monkeypatch.setattr(clock, "boot_offset_ns", lambda: 0)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Init, a shell, and nobody else."""
    made = Machine()
    made.install(monkeypatch)
    made.born(1, 0, 0, (b"/sbin/init",), b"/lib/systemd/systemd")
    made.born(50, 1, 0, (b"bash",), b"/bin/bash")
    return made
