"""Kinship: who owns a listening socket, and which processes are of one family.

In: socket links ("socket:[4711]"), pids. Out: pids. It refuses to know why: it only looks.
Linux only, like the /proc it reads.

The watched tree is: the owners of the watched listener, up to their topmost ancestor of the same
executable, and all descendants. Two things stop the climb. An ancestor of our own is no part of
somebody's server (a Python server started by the shell or test that also started us). And an init
that listens for others (socket activation) would make the whole machine the tree, so pid 1 is an
owner only where it is a server itself, as in a container.

Looking for owners reads every descriptor of every process: 20 us a process, so it is done when a
listener is new and not each second. Descending reads only the tree.
"""

import os
from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

from gwtop.taps import proc

INIT_NAMES = (b"systemd", b"init")


class Owners(NamedTuple):
    pids: frozenset[int]
    n_hidden: int
    """Processes whose descriptors we may not read: owners may be among them."""


def owners(links: Collection[str]) -> Owners:
    """The processes that hold one of these sockets; init left out."""
    found: set[int] = set()
    n_hidden = 0
    for pid in proc.all_pids():
        held = proc.holds(pid, links)
        if held:
            found.add(pid)
        elif held is None:
            n_hidden += 1
    if 1 in found and (init := proc.stat(1)) and init.name in INIT_NAMES:
        found.remove(1)
    return Owners(frozenset(found), n_hidden)


def ancestors(pid: int) -> list[int]:
    """Parent first; ends before pid 0. Stops where a process has gone."""
    line: list[int] = []
    while (stat := proc.stat(pid)) and stat.parent > 0 and stat.parent not in line:
        pid = stat.parent
        line.append(pid)
    return line


def _same_program(one: int, other: int) -> bool:
    """By executable; where that is another user's secret, by name."""
    first, second = proc.exe(one), proc.exe(other)
    if first is not None and second is not None:
        return first == second
    mine, theirs = proc.stat(one), proc.stat(other)
    return mine is not None and theirs is not None and mine.name == theirs.name


def topmost(pid: int, foreign: Collection[int]) -> int:
    """The highest ancestor in an unbroken line of the same executable, `foreign` ones apart."""
    top = pid
    for ancestor in ancestors(pid):
        if ancestor in foreign or not _same_program(pid, ancestor):
            break
        top = ancestor
    return top


def roots(pids: Iterable[int]) -> frozenset[int]:
    """The tops of the trees these processes are in, ours left alone."""
    us = {os.getpid(), *ancestors(os.getpid())}
    return frozenset(topmost(pid, us) for pid in pids)


def descendants(tops: Iterable[int]) -> set[int]:
    """`tops` and everything below them, live at the moment of looking."""
    find = proc.children if proc.lists_children() else _children_of_all()
    found: set[int] = set()
    waiting = list(tops)
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting += find(pid)
    return found


def _children_of_all() -> Callable[[int], list[int]]:
    """For kernels without children files: everybody's parent, turned round."""
    below: dict[int, list[int]] = {}
    for pid in proc.all_pids():
        if stat := proc.stat(pid):
            below.setdefault(stat.parent, []).append(pid)
    return lambda pid: below.get(pid, [])
