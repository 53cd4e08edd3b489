"""Programs at births, execs and ends of processes, in the same ring as their calls (`callprog`).

In: descriptors of maps, where trace fields lie. Out: code for the kernel. It refuses to know what a
descriptor is.

Which process was forked from which must be known in the order of what they read, so three trace
events write into the calls' ring. They fire for every process of the machine; the first thing that
their programs ask is whether the process has ever had to do with a watched connection.
"""

from gwtop.taps import ebpf, ownprog
from gwtop.taps.callprog import ARGUMENTS, KIND, Maps, emit, look_up, remember, stage
from gwtop.taps.ebpf import R0, R1, R6, R7, R8, R9, Program
from gwtop.taps.threads import CLONE_THREAD

FORKED, EXECED, EXITED = 32, 33, 34
"""Kinds beside those of `sites`."""


def _begun(maps: Maps) -> Program:
    """Ends for a process that has nothing to do with it; R9 what is known of it (`ownprog`)."""
    code = Program()
    code.set("movr", R6, R1)
    code.call(ebpf.PID_TGID)
    code.set("movr", R7, R0)
    code.set("rsh", R0, 32)
    look_up(code, maps.tree, R0)
    code.load(4, R9, R0)
    stage(code, maps)
    return code


def _ended(code: Program, maps: Maps, kind: int) -> bytes:
    code.set("mov", R1, kind)
    code.store(4, R8, KIND, R1)
    code.set("mov", R9, 0)
    emit(code, maps)
    return code.assembled()


def at_birth(maps: Maps, pid_offset: int, flags_offset: int) -> bytes:
    """task:task_newtask; threads are left out. The child is the first argument."""
    code = _begun(maps)
    code.load(8, R1, R6, flags_offset)
    code.jump("leave", "jset", R1, CLONE_THREAD)
    code.load(4, R1, R6, pid_offset)
    code.store(8, R8, ARGUMENTS, R1)
    ownprog.of_child(code, R9)
    remember(code, maps, R9)
    return _ended(code, maps, FORKED)


def at_exec(maps: Maps) -> bytes:
    """sched:sched_process_exec."""
    return _ended(_begun(maps), maps, EXECED)


def at_end(maps: Maps) -> bytes:
    """sched:sched_process_exit, of the thread that has the process's own number."""
    code = _begun(maps)
    code.set("movr", R1, R7)
    code.set("rsh", R1, 32)
    code.set("lsh", R7, 32)
    code.set("rsh", R7, 32)
    code.jump("last", "jeqr", R1, R7)
    code.jump("leave")
    code.label("last")
    code.set("mov", R9, 0)
    remember(code, maps, R9)
    return _ended(code, maps, EXITED)
