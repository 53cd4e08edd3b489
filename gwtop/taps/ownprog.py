"""Which descriptors were accepted, as the programs at calls keep it: of others no byte is copied.

In: descriptors of maps. Out: code for the kernel. It refuses to know which listener is watched:
that is told apart by whoever reads (`descriptors`).

A worker reads files, databases and keys with the same calls as its connections. What accept
returned, and what was made of it with dup, is in a map until it is closed; of a process that can
have a connection in no other way nothing else is copied, only told by its length. What was open
before us is put there by us (`owned`).

A process that was born with somebody's connections in hand (a fork for each of them), or one of
whose descriptors found no room in the map, is copied whatever the descriptor: a byte too many is
dropped by us at once, a byte too few is gone. So an entry may be too many (a number that was closed
by exec, a pid that is used again), none too few.
"""

from gwtop.taps import ebpf
from gwtop.taps.callprog import ARGUMENTS, COPY, PID_TGID, SETTING, Maps, remember
from gwtop.taps.ebpf import FP, R0, R1, R3, R4, R6, R8, R9, Program

ACCEPTS, INHERITS, HELD, KEPT = 1, 2, 4, 8
"""What the map of processes says of one: it has accepted; it may hold what it did not accept, so it
is copied as a whole; it held connections when we came; all that it held then is in the map."""
N_OWN = 1 << 15  # descriptors at the same time
_KEY, _ONE, _PID = -16, -40, -4  # on the stack


def _own_key(code: Program, maps: Maps, low: int) -> None:
    """R1 the map, R2 the key: process, and a descriptor's number in a register, which is lost."""
    code.set("lsh", low, 32)
    code.set("rsh", low, 32)
    code.load(4, R1, R8, PID_TGID + 4)
    code.set("lsh", R1, 32)
    code.set("orr", R1, low)
    code.store(8, FP, _KEY, R1)
    code.key(maps.own, _KEY)


def _process(code: Program, maps: Maps) -> None:
    """R0 where the flags of this process are, or 0."""
    code.load(4, R1, R8, PID_TGID + 4)
    code.store(4, FP, _PID, R1)
    code.look_up(maps.tree, _PID)


def keep_out(code: Program, maps: Maps) -> None:
    """The limit of this call becomes 0 if its descriptor is none that was accepted."""
    code.load(4, R3, R8, ARGUMENTS)
    _own_key(code, maps, R3)
    code.call(ebpf.MAP_LOOKUP)
    code.jump("own", "jne", R0, 0)
    _process(code, maps)
    code.jump("own", "jeq", R0, 0)
    code.load(4, R1, R0)
    code.jump("own", "jset", R1, INHERITS)
    code.set("and", R1, ACCEPTS | KEPT)
    code.jump("own", "jeq", R1, 0)
    code.set("mov", R1, 0)
    code.store(8, FP, SETTING + COPY, R1)
    code.label("own")


def _put(code: Program) -> None:
    """R1 and R2 as `_own_key` leaves them; R0 is not 0 if there is no room."""
    code.set("mov", R3, 1)
    code.store(8, FP, _ONE, R3)
    code.set("movr", R3, FP)
    code.set("add", R3, _ONE)
    code.set("mov", R4, 0)
    code.call(ebpf.MAP_UPDATE)


def accepted(code: Program, maps: Maps) -> None:
    """R9 the descriptor. First it is there, then is the process kept to what is there."""
    code.set("movr", R3, R9)
    _own_key(code, maps, R3)
    _put(code)
    code.set("mov", R6, ACCEPTS)
    code.jump("accepts", "jeq", R0, 0)
    code.set("mov", R6, ACCEPTS | INHERITS)
    code.label("accepts")
    _process(code, maps)
    code.jump("first", "jeq", R0, 0)
    code.load(4, R1, R0)
    code.set("orr", R6, R1)
    code.label("first")
    code.load(4, R1, R8, PID_TGID + 4)
    remember(code, maps, R6)


def duplicated(code: Program, maps: Maps) -> None:
    """R9 the new number; the old one is the first argument."""
    code.load(4, R3, R8, ARGUMENTS)
    code.jump("dup_told", "jeqr", R3, R9)
    _own_key(code, maps, R3)
    code.call(ebpf.MAP_LOOKUP)
    code.set("movr", R6, R0)
    code.set("movr", R3, R9)
    _own_key(code, maps, R3)
    code.jump("dup_other", "jeq", R6, 0)
    _put(code)
    code.jump("dup_told", "jeq", R0, 0)
    _process(code, maps)
    code.set("mov", R6, INHERITS)
    code.jump("dup_first", "jeq", R0, 0)
    code.load(4, R1, R0)
    code.set("orr", R6, R1)
    code.label("dup_first")
    code.load(4, R1, R8, PID_TGID + 4)
    remember(code, maps, R6)
    code.jump("dup_told")
    code.label("dup_other")
    code.call(ebpf.MAP_DELETE)
    code.label("dup_told")


def closed(code: Program, maps: Maps) -> None:
    """The first argument's number may be a file's next."""
    code.load(4, R3, R8, ARGUMENTS)
    _own_key(code, maps, R3)
    code.call(ebpf.MAP_DELETE)


def of_child(code: Program, flags: int) -> None:
    """`flags`: a register with what is known of the parent, if anything."""
    code.jump("heir", "jset", flags, ACCEPTS | INHERITS | HELD)
    code.jump("alone")
    code.label("heir")
    code.set("mov", flags, INHERITS)
    code.label("alone")
