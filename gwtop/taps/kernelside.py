"""The kernel's side of the calls: maps, programs and the ring that they write.

In: how many bytes of a call to copy, which sites. Out: programs to be planted, the ring. It refuses
to know processes. All that needs a right is done in the beginning: later a program that was loaded
is given its sites, and the limit is changed, through memory that is shared with the kernel.
"""

import mmap
import os
import platform
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from struct import Struct

from gwtop.nouns.plan import DEFAULT_COPY_BYTES
from gwtop.taps import (
    arrivals,
    callprog,
    cpus,
    ebpf,
    ownprog,
    planted,
    privilege,
    siteprog,
    tcpprog,
    treeprog,
)
from gwtop.taps.callprog import Maps
from gwtop.taps.ebpf import NoBpfError, Ring
from gwtop.taps.elf import AARCH64, X86_64
from gwtop.taps.owned import Owned
from gwtop.taps.probes import Definitions
from gwtop.taps.shared import WORD_BYTES, words
from gwtop.taps.sites import Site
from gwtop.taps.tracepages import parse_format
from gwtop.taps.underway import Underway

RING_BYTES = 16 << 20  # 50,000 calls of 300 bytes: half a second of what two cores can do
N_PROGRAMS = 4
"""For libraries that are met when we have no rights any more: two libcs in two containers."""
N_PLACES = 4096  # of a page
PLACE_BYTES = 8  # of an array's element, which are rounded up
MAX_TREE = 16384  # processes and threads remembered
MACHINES = {"x86_64": X86_64, "aarch64": AARCH64}
BIRTH, EXEC, END = "task/task_newtask", "sched/sched_process_exec", "sched/sched_process_exit"
MAX_SLOTS, SLOTS_BYTES = 4, 32 << 20
"""Programs that interrupt one another on a CPU, and what all slots may take where two do not."""
_U32, _U64 = Struct("<I"), Struct("<Q")


def slots_of_each(n_cpus: int, slot_bytes: int) -> int:
    return max(2, min(MAX_SLOTS, SLOTS_BYTES // (n_cpus * slot_bytes)))


def _highest_cpu() -> int:
    try:
        return max(cpus.possible())
    except OSError:  # no /sys here; numbers without gaps then
        return os.sysconf("SC_NPROCESSORS_CONF") - 1


class KernelSide:
    def __init__(self, copy_bytes: int) -> None:
        """Raises NoBpfError."""
        machine = MACHINES.get(platform.machine())
        if machine is None:
            raise NoBpfError(f"calls are not known on {platform.machine()}")
        self._machine = machine
        self._opened: list[int] = []
        self._watched_ports: int | None = None
        self._memories: list[mmap.mmap] = []
        ebpf.allow_locked_memory()
        privilege.allow_many_descriptors()
        room = max(copy_bytes, DEFAULT_COPY_BYTES)
        n_cpus = _highest_cpu() + 1
        n_slots = slots_of_each(n_cpus, callprog.slot_bytes(room))
        self.ring = Ring(RING_BYTES)
        with self._or_nothing():
            self._maps = Maps(
                sites=-1,
                staging=self._map(ebpf.ARRAY, 4, callprog.slot_bytes(room), n_cpus * n_slots),
                settings=self._map(ebpf.ARRAY, 4, callprog.SETTINGS_BYTES, 1, ebpf.F_MMAPABLE),
                entered=self._map(ebpf.LRU_HASH, 8, callprog.ENTERED.size, MAX_TREE),
                tree=self._map(ebpf.LRU_HASH, 4, 4, MAX_TREE),
                ring=self.ring.descriptor,
                taken=self._map(ebpf.LRU_HASH, 8, 8, MAX_TREE),
                own=self._map(ebpf.HASH, 8, 8, ownprog.N_OWN),
                n_slots=n_slots,
                ring_bytes=RING_BYTES,
                room_bytes=room,
            )
            self._settings = words(self._memory(self._maps.settings, mmap.PAGESIZE), n=3)
            self._free = [self._program() for _ in range(N_PROGRAMS)]
        self.owned = Owned(self._maps.tree, self._maps.own)
        self._is_quiet = False
        self.set_copy(copy_bytes)

    @contextmanager
    def _or_nothing(self) -> Iterator[None]:
        try:
            yield
        except NoBpfError:
            self.close()
            raise

    def _map(self, kind: int, key_bytes: int, value_bytes: int, n: int, flags: int = 0) -> int:
        made = ebpf.make_map(kind, key_bytes, value_bytes, n, flags)
        self._opened.append(made)
        return made

    def _memory(self, descriptor: int, n_bytes: int) -> mmap.mmap:
        try:
            memory = mmap.mmap(descriptor, n_bytes)
        except OSError as error:
            raise NoBpfError(f"a map cannot be shared: {error.strerror}") from error
        self._memories.append(memory)
        return memory

    def _load(self, kind: int, code: bytes) -> int:
        program = ebpf.load(kind, code)
        self._opened.append(program)
        return program

    def _program(self) -> tuple[int, mmap.mmap]:
        """One that has no sites yet, and where they are told."""
        sites = self._map(ebpf.ARRAY, 4, 4, N_PLACES, ebpf.F_MMAPABLE)
        maps = replace(self._maps, sites=sites)
        program = self._load(ebpf.KPROBE, siteprog.at_sites(self._machine, maps))
        return program, self._memory(sites, N_PLACES * PLACE_BYTES)

    def set_copy(self, n_bytes: int) -> None:
        """As much as there is room for, at most: what was asked for in the beginning."""
        self.copy_bytes = min(n_bytes, self._maps.room_bytes)
        self._set()

    def rest(self, is_resting: bool) -> bool:
        """Whether the ring need not wake us, because we look by ourselves. Once it shall, what
        came meanwhile has woken nobody: False then says that something is there."""
        if is_resting != self._is_quiet:
            self._is_quiet = is_resting
            self._set()
        return is_resting or not self.ring.is_behind

    def _set(self) -> None:
        self._settings[callprog.COPY // WORD_BYTES] = self.copy_bytes
        self._settings[callprog.QUIET // WORD_BYTES] = self._is_quiet

    def n_refused(self) -> int:
        """Records that there was no room for, since the start."""
        return self._settings[callprog.N_REFUSED // WORD_BYTES]

    def program_for(self, machine: int, sites: Iterable[Site]) -> int | None:
        """A program for these, no two of which share a place in a page. None: all are used."""
        if machine != self._machine or not self._free:
            return None
        program, memory = self._free.pop()
        for site in sites:
            value = siteprog.site_value(site.kind, site.how)
            _U32.pack_into(memory, (site.offset % N_PLACES) * PLACE_BYTES, value)
        return program

    def follow_processes(self, definitions: Definitions) -> list[int]:
        """From now on births, execs and ends of whoever has to do with a watched connection are
        in the ring. What keeps it so. Raises OSError, NoBpfError."""
        birth = parse_format(definitions.format_of(BIRTH)).fields
        flags = birth["clone_flags"]
        programs = {
            BIRTH: treeprog.at_birth(self._maps, birth["pid"].offset, flags.offset),
            EXEC: treeprog.at_exec(self._maps),
            END: treeprog.at_end(self._maps),
        }
        return [
            planted.everywhere(definitions.event(event), self._load(ebpf.TRACEPOINT, code))
            for event, code in programs.items()
        ]

    def follow_tcp(self, definitions: Definitions, ports: Iterable[int]) -> None:
        """From now on connections to these ports are named in the ring as they are read, and their
        clients' ends told. Raises OSError, NoBpfError."""
        watched = self._map(ebpf.ARRAY, 4, tcpprog.PORTS_BYTES, 1, ebpf.F_MMAPABLE)
        self._watched_ports = watched
        self._ports = self._memory(watched, tcpprog.PORTS_BYTES)
        self.watch_ports(ports)
        kinds = {tcpprog.READ_EVENT: tcpprog.NAMED, **tcpprog.END_EVENTS}
        for event, kind in kinds.items():
            try:
                form = parse_format(definitions.format_of(event))
                code = tcpprog.program(kind, form, watched, self._maps)
            except (FileNotFoundError, KeyError) as error:
                raise NoBpfError(f"this kernel's {event} names no connection") from error
            loaded = self._load(ebpf.TRACEPOINT, code)
            self._opened.append(planted.everywhere(definitions.event(event), loaded))

    def follow_arrivals(self, unix: bool) -> bool:
        """From now on reads of unix sockets, and of TCP that is followed, say since when the bytes
        were there; whether this kernel tells."""
        tree, taken = self._maps.tree, self._maps.taken
        opened: list[int] = []
        try:
            sockets = self._map(ebpf.LRU_HASH, 8, arrivals.ENTRY.size, arrivals.N_SOCKETS)
            connected = self._map(ebpf.LRU_HASH, 4, 8, arrivals.N_SENDERS) if unix else None
            programs = {
                arrivals.READY: arrivals.at_ready(sockets, connected, self._watched_ports),
                arrivals.RECEIVED: arrivals.at_received(sockets, tree, taken),
            }
            for place, code in programs.items():
                opened.append(ebpf.attach(self._load(ebpf.RAW_TRACEPOINT, code), place))
            if not unix or arrivals.are_told(tree, taken):
                self._opened += opened
                return True
        except (NoBpfError, OSError):  # Linux before 6.3, or nobody may look at its memory
            pass
        for descriptor in opened:
            os.close(descriptor)
        return False

    def watch_ports(self, ports: Iterable[int]) -> None:
        """Needs no right."""
        for port in ports:
            self._ports[port] = 1

    def entered(self, pid: int, one: Underway) -> None:
        """A call that had begun before its probes were there, unless the thread has begun another
        one since."""
        key = _U64.pack(pid << 32 | one.thread)
        with suppress(OSError):
            value = callprog.ENTERED.pack(one.kind, *one.arguments)
            ebpf.update(self._maps.entered, key, value, ebpf.NOEXIST)

    def close(self) -> None:
        if hasattr(self, "_settings"):
            self._settings.release()
        for memory in self._memories:
            memory.close()
        for descriptor in self._opened:
            os.close(descriptor)
        self._memories, self._opened = [], []
        self.ring.close()
