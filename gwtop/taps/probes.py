"""Probe definitions: our own group of uprobe events in tracefs, and its end.

In: a library's file, offsets. Out: the number of an event that `planted` can ask for. It refuses
to know what is seen there. Defining plants nothing: no process runs slower for it.

uprobe_events is one list for the whole machine. Our group's name holds our pid and birth, so three
can remove it: its maker, the maker's janitor, and the next gwtop that starts. The kernel refuses
to remove an event that somebody still uses, so a live one is never hurt. Several offsets of one
file are one event (Linux 5.5): taking an event away costs the kernel some 50 ms, however many
places it has.
"""

import os
from collections.abc import Iterator, Sequence

from gwtop.taps import tracefs
from gwtop.taps.tracefs import NoTracefsError

FILE = "uprobe_events"  # Documentation/trace/uprobetracer.rst
PREFIX = "gwtop_"


def group_of(prefix: str) -> str:
    """The group of whoever's instances are called so: "gwtop-12-34-" has "gwtop_12_34_"."""
    return prefix.replace("-", "_")


def own_group() -> str:
    return group_of(tracefs.own_prefix())


def definition(group: str, event: str, path: str, offset: int) -> str:
    return f"p:{group}/{event} {path}:0x{offset:x}\n"


def parse(text: str) -> Iterator[tuple[str, str]]:
    """Group and event of each definition that is listed."""
    for line in text.splitlines():
        group, slash, event = line.partition(" ")[0].partition(":")[2].partition("/")
        if slash:
            yield group, event


def _listed(place: str) -> list[tuple[str, str]]:
    try:
        with open(f"{place}/{FILE}", encoding="utf-8", errors="surrogateescape") as text:
            return sorted(set(parse(text.read())))
    except (FileNotFoundError, PermissionError):
        return []


def has_own() -> bool:
    """Whether this process has probes."""
    place = tracefs.mounted()
    return place is not None and any(group == own_group() for group, _ in _listed(place))


def _remove(place: str, group: str, event: str) -> bool:
    try:
        descriptor = os.open(f"{place}/{FILE}", os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        os.write(descriptor, f"-:{group}/{event}\n".encode())
    except FileNotFoundError:
        return True
    except OSError:  # somebody still uses it
        return False
    finally:
        os.close(descriptor)
    return True


def remove_of(prefix: str) -> bool:
    """Removes the groups of whoever's instances are called so; whether none is left."""
    place = tracefs.mounted()
    if place is None:
        return True
    wanted = group_of(prefix)
    removed = [_remove(place, *one) for one in _listed(place) if one[0].startswith(wanted)]
    return all(removed)


def remove_stale(place: str) -> None:
    """What is left of makers that were killed together with their janitors."""
    for group, event in _listed(place):
        if group.startswith(PREFIX) and not tracefs.owner_lives(group.replace("_", "-")):
            _remove(place, group, event)


class Definitions:
    """Our group. Later definitions need no right: the list stays open."""

    def __init__(self) -> None:
        """Raises NoTracefsError."""
        self._place = tracefs.find()
        self._group = own_group()
        self._events: list[str] = []
        self._n = len([group for group, _ in _listed(self._place) if group == self._group])
        try:
            remove_stale(self._place)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
            self._list = os.open(f"{self._place}/{FILE}", flags)
        except FileNotFoundError as error:
            raise NoTracefsError("this kernel has no uprobes") from error
        except OSError as error:
            refused = isinstance(error, PermissionError)
            raise NoTracefsError(f"tracefs: {error.strerror}", refused) from error

    def define(self, library: int, path: str, offsets: Sequence[int]) -> int:
        """The event's number. `library`: an open descriptor; `path`: how it is shown, if it is
        that file. Raises OSError."""
        self._n += 1
        event = f"calls{self._n}"
        place = path if _is_file(path, library) else f"/proc/self/fd/{library}"
        self._events.append(event)
        for offset in offsets:
            os.write(self._list, definition(self._group, event, place, offset).encode())
        return number(self._place, f"{self._group}/{event}")

    def event(self, name: str) -> int:
        """The number of an event of the kernel's own, "group/name". Raises OSError."""
        return number(self._place, name)

    def format_of(self, name: str) -> str:
        """Raises OSError."""
        with open(f"{self._place}/events/{name}/format", encoding="ascii") as text:
            return text.read()

    def close(self) -> None:
        """Removes them; may be called twice. Whoever uses them has closed them before."""
        if self._list < 0:
            return
        for event in self._events:
            try:
                os.write(self._list, f"-:{self._group}/{event}\n".encode())
            except OSError:  # never made, or still in use: the janitor comes later
                continue
        os.close(self._list)
        self._list = -1


def number(place: str, name: str) -> int:
    with open(f"{place}/events/{name}/id", encoding="ascii") as text:
        return int(text.read())


def _is_file(path: str, library: int) -> bool:
    """Whether the path, as the kernel will look it up, is that very file; it takes no spaces."""
    try:
        there, here = os.stat(path), os.fstat(library)
    except OSError:  # deleted since, or of another mount namespace
        return False
    same = (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)
    return same and not any(letter.isspace() or letter == ":" for letter in path)
