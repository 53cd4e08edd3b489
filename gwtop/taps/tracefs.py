"""Private tracefs instances: a trace ring of our own, set up with rights and read without them.

In: which events, their filters. Out: formats, one descriptor a CPU, control descriptors that stay
open. It refuses to know what the events mean. Linux only.

An instance has its own ring, filters and clock, so nobody else's tracing is touched and nobody
else's events are seen. Filters are written before an event is switched on. After that only
descriptors are used: reading them, and writing to `filter`, `enable` and `set_event_pid`, asks for
no right any more (measured as nobody, Linux 6.18).

An instance outlives whoever made it. Its name holds its maker's pid and birth (a pid alone is
reused), so three can remove it: its maker, the maker's janitor, and the next gwtop that starts.
The kernel refuses to remove one that somebody still has open, so a live one is never hurt.
"""

import ctypes
import errno
import os
import sys
from collections.abc import Iterator, Sequence
from itertools import count

from gwtop.taps import namespaces, proc
from gwtop.taps.tracepages import Format, parse_format

TRACING = "/sys/kernel/tracing"  # Documentation/trace/ftrace.rst
PLACES = (TRACING, "/sys/kernel/debug/tracing")  # the second: where it was before Linux 4.1
MS_NOSUID, MS_NODEV, MS_NOEXEC = 2, 4, 8  # linux/mount.h
MOUNT_FLAGS = MS_NOSUID | MS_NODEV | MS_NOEXEC
PREFIX = "gwtop"
CLOCK = "mono"
"""CLOCK_MONOTONIC, the clock of process events; the default clock is of this CPU alone."""
BUFFER_PERCENT = "0"
"""Wake a reader for any event. The default of 50 leaves poll silent for seconds (FACTS 11)."""


class NoTracefsError(Exception):
    """No instance is to be had here; says why, and whether more rights would help."""

    def __init__(self, reason: str, refused: bool = False) -> None:
        super().__init__(reason)
        self.refused = refused


# -- where ---------------------------------------------------------------------------------------


def parse_mounts(mountinfo: str) -> dict[str, str]:
    """Mount point: type of what is seen there, which is what was mounted last."""
    seen: dict[str, str] = {}
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        words = before.split()
        if len(words) > 4 and after:
            seen[words[4]] = after.split()[0]
    return seen


def _mounts() -> dict[str, str]:
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as text:
            return parse_mounts(text.read())
    except FileNotFoundError:
        return {}


def mounted() -> str | None:
    """Where tracefs is mounted now."""
    mounts = _mounts()
    return next((place for place in PLACES if mounts.get(place) == "tracefs"), None)


def find() -> str:
    """Where tracefs is; mounts it where nothing is mounted yet. Raises NoTracefsError.

    It stays mounted: an empty folder was there, and others may use it by the time we end.
    """
    if sys.platform != "linux":
        raise NoTracefsError("tracefs needs Linux")
    if namespaces.is_first("pid") is False:
        raise NoTracefsError("trace events name processes by pids of another pid namespace")
    if place := mounted():
        return place
    if TRACING in _mounts():  # somebody hides it on purpose
        raise NoTracefsError(f"something else is mounted on {TRACING}", refused=True)
    if not os.path.isdir(TRACING):
        raise NoTracefsError("this kernel has no tracefs")
    library = ctypes.CDLL(None, use_errno=True)
    if library.mount(b"nodev", TRACING.encode("ascii"), b"tracefs", MOUNT_FLAGS, None) != 0:
        code = ctypes.get_errno()
        refused = code in (errno.EPERM, errno.EACCES)
        raise NoTracefsError(f"tracefs cannot be mounted: {os.strerror(code)}", refused)
    return TRACING


def may_make() -> bool:
    """Whether trying to make an instance is worth it."""
    if namespaces.is_first("pid") is False:
        return False
    place = mounted()
    if place is None:
        return os.geteuid() == 0 and os.path.isdir(TRACING) and TRACING not in _mounts()
    return os.access(f"{place}/instances", os.W_OK, effective_ids=True)


# -- whose ---------------------------------------------------------------------------------------


def own_prefix() -> str:
    """What the names of this process's instances begin with."""
    pid = os.getpid()
    stat = proc.stat(pid)
    return f"{PREFIX}-{pid}-{stat.born_ticks if stat else 0}-"


def owner_lives(name: str) -> bool:
    """Whether the maker of an instance of this name is still there; True for names not ours."""
    words = name.split("-")
    if words[0] != PREFIX or len(words) < 4 or not (words[1] + words[2]).isdigit():
        return True
    stat = proc.stat(int(words[1]))
    return stat is not None and stat.born_ticks == int(words[2])


def _names(place: str) -> list[str]:
    try:
        return [name for name in os.listdir(f"{place}/instances") if name.startswith(PREFIX)]
    except (FileNotFoundError, PermissionError):
        return []


def _remove(place: str, name: str) -> bool:
    """Whether it is gone. Not: somebody has it open, or we have no right to."""
    try:
        os.rmdir(f"{place}/instances/{name}")
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def has_own() -> bool:
    """Whether this process has an instance."""
    place = mounted()
    return place is not None and any(name.startswith(own_prefix()) for name in _names(place))


def remove_of(prefix: str) -> bool:
    """Removes the instances whose names begin so; whether none is left. Mounts nothing."""
    place = mounted()
    if place is None:
        return True
    left = [name for name in _names(place) if name.startswith(prefix)]
    removed = [_remove(place, name) for name in left]  # each of them, whatever became of the first
    return all(removed)


def _remove_stale(place: str) -> None:
    """What is left of makers that were killed together with their janitors."""
    for name in _names(place):
        if not owner_lives(name):
            _remove(place, name)


# -- an instance ---------------------------------------------------------------------------------


class Instance:
    """One ring of our own. Nothing is switched on until `enable`."""

    def __init__(self, purpose: str, buffer_kb: int) -> None:
        """`buffer_kb`: for each CPU. Raises NoTracefsError."""
        self._place = find()
        self._path = ""
        self._controls: dict[str, int] = {}
        self._pipes: list[int] = []
        try:
            _remove_stale(self._place)
            self._path = self._make(own_prefix() + purpose)
            self._set("trace_clock", CLOCK)
            self._set("buffer_size_kb", str(buffer_kb))
            self._set("buffer_percent", BUFFER_PERCENT)
        except OSError as error:
            self.close()
            refused = isinstance(error, PermissionError)
            raise NoTracefsError(f"tracefs: {error.strerror}", refused) from error

    def _make(self, name: str) -> str:
        """One process may have several of a purpose (two watches in a test)."""
        for n in count():
            path = f"{self._place}/instances/{name}{n or ''}"
            try:
                os.mkdir(path, 0o700)
            except FileExistsError:
                continue
            return path
        raise AssertionError("count() has no end")

    def _set(self, file: str, value: str) -> None:
        descriptor = os.open(f"{self._path}/{file}", os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(descriptor, value.encode("ascii"))
        except OSError:
            if file != "buffer_percent":  # it came with Linux 5.0
                raise
        finally:
            os.close(descriptor)

    def option(self, name: str) -> bool:
        """Switches a trace option on; whether this kernel has it."""
        try:
            self._set(f"options/{name}", "1")
        except OSError:
            return False
        return True

    def format(self, event: str) -> Format | None:
        """ "group/name"; None: this kernel has no such event."""
        try:
            with open(f"{self._path}/events/{event}/format", encoding="ascii") as text:
                return parse_format(text.read())
        except (OSError, ValueError):
            return None

    def page_header(self) -> Format:
        """How a page of this ring begins; its field `data` is what follows."""
        with open(f"{self._path}/events/header_page", encoding="ascii") as text:
            return parse_format("ID: 0\n" + text.read())

    def keep(self, file: str) -> None:
        """Opens a control file for later writes: once rights are dropped none can be opened."""
        if file not in self._controls:
            path = f"{self._path}/{file}"
            self._controls[file] = os.open(path, os.O_WRONLY | os.O_CLOEXEC)

    def control(self, file: str, value: str) -> None:
        """Writes to a control file. Its descriptor is kept, so that later writes need no right.

        Raises OSError (EINVAL for a filter the kernel does not understand).
        """
        self.keep(file)
        os.write(self._controls[file], value.encode("ascii"))

    def filter(self, event: str, expression: str) -> None:
        """From now on only events that it is true of; "0" for all."""
        self.control(f"events/{event}/filter", expression)

    def enable(self, event: str, on: bool = True) -> None:
        self.control(f"events/{event}/enable", "1" if on else "0")

    def open_pipes(self) -> Sequence[int]:
        """A non-blocking descriptor of each CPU's pages."""
        for cpu in sorted(self._cpus()):
            path = f"{self._path}/per_cpu/cpu{cpu}/trace_pipe_raw"
            self._pipes.append(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
        return self._pipes

    def _cpus(self) -> Iterator[int]:
        for name in os.listdir(f"{self._path}/per_cpu"):
            if name.startswith("cpu"):
                yield int(name.removeprefix("cpu"))

    def close(self) -> None:
        """Gives everything back. Without the right to remove it, it is left to the janitor."""
        for descriptor in (*self._controls.values(), *self._pipes):
            os.close(descriptor)
        self._controls, self._pipes = {}, []
        if self._path:
            _remove(self._place, os.path.basename(self._path))
