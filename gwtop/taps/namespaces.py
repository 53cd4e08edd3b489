"""Namespaces: whether ours is the machine's first one, where the kernel speaks in its terms.

In: a kind of namespace. Out: yes, no, or nobody knows. It refuses to know what follows from it.
"""

import os

FIRST = {"pid": "pid:[4026531836]", "user": "user:[4026531837]"}
"""linux/proc_ns.h PROC_PID_INIT_INO and PROC_USER_INIT_INO."""


def is_first(kind: str) -> bool | None:
    """None: no /proc, or no such namespace in this kernel."""
    try:
        return os.readlink(f"/proc/self/ns/{kind}") == FIRST[kind]
    except OSError:
        return None
