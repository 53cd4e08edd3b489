"""Arrivals."""

from gwtop.taps import ebpf
from gwtop.taps.ebpf import R0, R1, R2, Program


def take(code: Program) -> None:
    """R1 the map of what threads have taken, R2 a thread. R1 becomes the time, 0 for none."""
    code.call(ebpf.MAP_LOOKUP)
    code.set("mov", R1, 0)
    code.jump("nothing_taken", "jeq", R0, 0)
    code.load(8, R1, R0)
    code.set("mov", R2, 0)
    code.store(8, R0, 0, R2)
    code.label("nothing_taken")
