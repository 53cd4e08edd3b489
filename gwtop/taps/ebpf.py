"""eBPF without a compiler: instructions with labels, maps, programs, and a ring to read.

In: instructions by name. Out: the kernel's descriptors, and memory shared with it. It refuses to
know what a program is for (`callprog`).

What a program would say of a call it copies itself, of exactly the right length: a uprobe's own
arguments are arrays of a fixed number of words, and reading 8 KiB of them costs the watched
process 100 us a call (measured, Linux 6.18), while a program takes 1 us.
Sources: linux/bpf.h, Documentation/bpf/standardization/instruction-set.rst, ringbuf.rst.
"""

import ctypes
import errno
import mmap
import os
import platform
import resource
from struct import Struct
from typing import NamedTuple

from gwtop.taps.shared import words

SYS_BPF = {"x86_64": 321, "aarch64": 280}  # asm/unistd_64.h, asm-generic/unistd.h
MAP_CREATE, MAP_LOOKUP_ELEM, MAP_UPDATE_ELEM, MAP_DELETE_ELEM, PROG_LOAD = 0, 1, 2, 3, 5
RAW_TRACEPOINT_OPEN = 17  # enum bpf_cmd
HASH, ARRAY, PERCPU_ARRAY, LRU_HASH, RINGBUF = 1, 2, 6, 9, 27  # enum bpf_map_type
KPROBE, TRACEPOINT, RAW_TRACEPOINT = 2, 5, 17  # enum bpf_prog_type
F_MMAPABLE = 1 << 10
NOEXIST = 1  # BPF_NOEXIST
PSEUDO_MAP_FD = 1
LOG_BYTES = 1 << 18
ATTRIBUTE_BYTES = 128

# Helpers: enum bpf_func_id.
MAP_LOOKUP, MAP_UPDATE, MAP_DELETE, KTIME, CPU, PID_TGID = 1, 2, 3, 5, 8, 14
PROBE_READ_USER, PROBE_READ_KERNEL, RINGBUF_OUTPUT, RINGBUF_QUERY = 112, 113, 130, 134

R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, FP = range(11)
INSTRUCTION = Struct("<BBhi")
CODES = {
    "mov": 0xB7, "movr": 0xBF, "add": 0x07, "addr": 0x0F, "sub": 0x17, "subr": 0x1F,
    "mul": 0x27, "and": 0x57, "rsh": 0x77, "lsh": 0x67, "or": 0x47, "orr": 0x4F,
}  # fmt: skip
JUMPS = {
    "ja": 0x05, "jeq": 0x15, "jne": 0x55, "jgt": 0x25, "jge": 0x35, "jlt": 0xA5, "jset": 0x45,
    "jle": 0xB5, "jsgt": 0x65, "jsge": 0x75, "jslt": 0xC5, "jgtr": 0x2D, "jger": 0x3D,
    "jler": 0xBD, "jeqr": 0x1D,
    "jner": 0x5D,
}  # fmt: skip
LOADS = {1: 0x71, 2: 0x69, 4: 0x61, 8: 0x79}
STORES = {1: 0x73, 2: 0x6B, 4: 0x63, 8: 0x7B}


class NoBpfError(Exception):
    """The kernel takes no such program or map; `refused`: for want of rights."""

    def __init__(self, reason: str, refused: bool = False) -> None:
        super().__init__(reason)
        self.refused = refused


class _Line(NamedTuple):
    code: int
    registers: int
    offset: int
    value: int
    label: str | None


class Program:
    """Instructions as they are written; `assembled` is what the kernel takes."""

    def __init__(self) -> None:
        self._lines: list[_Line] = []
        self._labels: dict[str, int] = {}

    def _add(
        self, code: int, to: int, by: int, offset: int, value: int, label: str | None = None
    ) -> None:
        self._lines.append(_Line(code, to | by << 4, offset, value, label))

    def label(self, name: str) -> None:
        assert name not in self._labels
        self._labels[name] = len(self._lines)

    def set(self, what: str, to: int, value: int) -> None:
        """Arithmetic of 64 bits; names ending in r take a register."""
        of_register = bool(CODES[what] & 8)
        self._add(CODES[what], to, value if of_register else 0, 0, 0 if of_register else value)

    def jump(self, label: str, what: str = "ja", register: int = 0, value: int = 0) -> None:
        """Forward only, as kernels before 5.3 want it. Names ending in r compare registers."""
        of_register = bool(JUMPS[what] & 8)
        by, constant = (value, 0) if of_register else (0, value)
        self._add(JUMPS[what], register, by, 0, constant, label)

    def load(self, n_bytes: int, to: int, base: int, offset: int = 0) -> None:
        self._add(LOADS[n_bytes], to, base, offset, 0)

    def store(self, n_bytes: int, base: int, offset: int, register: int) -> None:
        self._add(STORES[n_bytes], base, register, offset, 0)

    def add_to_memory(self, base: int, offset: int, register: int) -> None:
        """Eight bytes, at once for every CPU (BPF_XADD)."""
        self._add(0xDB, base, register, offset, 0)

    def load_map(self, to: int, descriptor: int) -> None:
        self._add(0x18, to, PSEUDO_MAP_FD, 0, descriptor)
        self._add(0, 0, 0, 0, 0)

    def call(self, helper: int) -> None:
        self._add(0x85, 0, 0, 0, helper)

    def key(self, descriptor: int, place: int) -> None:
        """R1 the map, R2 a key that stands on the stack, as the helpers for maps want them."""
        self.load_map(R1, descriptor)
        self.set("movr", R2, FP)
        self.set("add", R2, place)

    def look_up(self, descriptor: int, key: int) -> None:
        """R0 becomes the address of the value, or 0. `key`: its place on the stack."""
        self.key(descriptor, key)
        self.call(MAP_LOOKUP)

    def put(self, descriptor: int, key: int, value: int) -> None:
        """Places on the stack; R0 is not 0 if there is no room."""
        self.key(descriptor, key)
        self.set("movr", R3, FP)
        self.set("add", R3, value)
        self.set("mov", R4, 0)
        self.call(MAP_UPDATE)

    def exit(self) -> None:
        self.set("mov", R0, 0)
        self._add(0x95, 0, 0, 0, 0)

    def assembled(self) -> bytes:
        data = bytearray()
        for place, line in enumerate(self._lines):
            offset = line.offset
            if line.label is not None:
                offset = self._labels[line.label] - place - 1
                assert offset >= 0, f"{line.label} lies behind"
            data += INSTRUCTION.pack(line.code, line.registers, offset, line.value)
        return bytes(data)


def _bpf(command: int, attributes: bytes, *kept: object) -> int:
    """`kept`: what the attributes point at. Raises OSError."""
    number = SYS_BPF.get(platform.machine())
    if number is None:
        raise OSError(errno.ENOSYS, f"no bpf(2) known for {platform.machine()}")
    library = ctypes.CDLL(None, use_errno=True)
    block = ctypes.create_string_buffer(attributes.ljust(ATTRIBUTE_BYTES, b"\0"), ATTRIBUTE_BYTES)
    result = int(library.syscall(number, command, block, ATTRIBUTE_BYTES))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


_MAP = Struct("<IIIII")  # type, key_size, value_size, max_entries, map_flags
_PROGRAM = Struct("<IIQQIIQ")  # type, insn_cnt, insns, license, log_level, log_size, log_buf
_ELEMENT = Struct("<I4xQQQ")  # map_fd, key, value, flags
_RAW = Struct("<QI")  # name, prog_fd


def make_map(kind: int, key_bytes: int, value_bytes: int, n: int, flags: int = 0) -> int:
    """Its descriptor. Raises NoBpfError."""
    try:
        made = _bpf(MAP_CREATE, _MAP.pack(kind, key_bytes, value_bytes, n, flags))
    except OSError as error:
        refused = error.errno in (errno.EPERM, errno.EACCES)
        raise NoBpfError(f"the kernel makes no map {kind}: {error.strerror}", refused) from error
    os.set_inheritable(made, False)
    return made


def load(kind: int, code: bytes) -> int:
    """A program's descriptor. Raises NoBpfError with the verifier's last words."""
    text = ctypes.create_string_buffer(code, len(code))
    # The helpers that read a process's memory are for programs under the GPL (bpf_helpers.h).
    licence = ctypes.create_string_buffer(b"GPL")
    log = ctypes.create_string_buffer(LOG_BYTES)
    for level in (0, 1):  # a log that does not fit would be an error of its own
        block = _PROGRAM.pack(
            kind,
            len(code) // INSTRUCTION.size,
            ctypes.addressof(text),
            ctypes.addressof(licence),
            level,
            LOG_BYTES if level else 0,
            ctypes.addressof(log) if level else 0,
        )
        try:
            return _bpf(PROG_LOAD, block, text, licence, log)
        except OSError as error:
            failed = error
    refused = failed.errno in (errno.EPERM,)
    last = log.value.decode("ascii", "replace").strip().splitlines()[-3:]
    reason = f"the kernel takes no probe program: {failed.strerror} {' | '.join(last)}".strip()
    raise NoBpfError(reason, refused) from failed


def update(descriptor: int, key: bytes, value: bytes, flags: int = 0) -> None:
    """Raises OSError; with NOEXIST where the key is there."""
    keys, values = ctypes.create_string_buffer(key), ctypes.create_string_buffer(value)
    block = _ELEMENT.pack(descriptor, ctypes.addressof(keys), ctypes.addressof(values), flags)
    _bpf(MAP_UPDATE_ELEM, block, keys, values)


def lookup(descriptor: int, key: bytes, value_bytes: int) -> bytes | None:
    """None: no such key. Raises OSError."""
    keys, value = ctypes.create_string_buffer(key), ctypes.create_string_buffer(value_bytes)
    block = _ELEMENT.pack(descriptor, ctypes.addressof(keys), ctypes.addressof(value), 0)
    try:
        _bpf(MAP_LOOKUP_ELEM, block, keys, value)
    except FileNotFoundError:
        return None
    return value.raw


def delete(descriptor: int, key: bytes) -> None:
    """Raises OSError."""
    keys = ctypes.create_string_buffer(key)
    _bpf(MAP_DELETE_ELEM, _ELEMENT.pack(descriptor, ctypes.addressof(keys), 0, 0), keys)


def attach(program: int, place: bytes) -> int:
    """Runs a program at a raw tracepoint, until the descriptor's end. Raises OSError: ENOENT,
    this kernel has no such place."""
    name = ctypes.create_string_buffer(place)
    return _bpf(RAW_TRACEPOINT_OPEN, _RAW.pack(ctypes.addressof(name), program), name)


def allow_locked_memory() -> None:
    """Kernels before 5.11 count maps as locked memory, of which 64 KiB are usual."""
    try:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY,) * 2)
    except (OSError, ValueError):  # not ours to raise; newer kernels do not ask
        return


class Ring:
    """BPF_MAP_TYPE_RINGBUF, read without any right."""

    BUSY, DISCARDED, LENGTH = 1 << 31, 1 << 30, (1 << 30) - 1

    def __init__(self, n_bytes: int) -> None:
        """`n_bytes`: a power of two, at least a page. Raises NoBpfError."""
        page = mmap.PAGESIZE
        self.descriptor = make_map(RINGBUF, 0, 0, n_bytes)
        self._mask = n_bytes - 1
        try:
            self._consumer = mmap.mmap(self.descriptor, page)
            both = page + 2 * n_bytes  # the data is mapped twice, so that no record is split
            self._data = mmap.mmap(self.descriptor, both, prot=mmap.PROT_READ, offset=page)
        except OSError as error:
            os.close(self.descriptor)
            raise NoBpfError(f"the ring cannot be mapped: {error.strerror}") from error
        self._page = page
        self._at = 0
        self._consumed, self._produced = words(self._consumer), words(self._data)

    def read(self, most: int) -> list[bytes]:
        """Up to `most` records, oldest first."""
        found: list[bytes] = []
        data, page, mask, at = self._data, self._page, self._mask, self._at
        head = self._produced[0]
        while at < head and len(found) < most:
            place = page + (at & mask)
            word = _U32(data, place)[0]
            if word & self.BUSY:
                break
            n_bytes = word & self.LENGTH
            if not word & self.DISCARDED:
                found.append(data[place + 8 : place + 8 + n_bytes])
            at += (n_bytes + 15) & ~7  # 8 of head, rounded up to 8
        self._at = at
        self._consumed[0] = at
        return found

    @property
    def is_behind(self) -> bool:
        return self._produced[0] > self._at

    def close(self) -> None:
        self._consumed.release()
        self._produced.release()
        self._consumer.close()
        self._data.close()
        os.close(self.descriptor)


_U32 = Struct("<I").unpack_from
