"""Network namespaces: into the one where the gateway's sockets are.

In: the plan (`netns`, else `pid`). Out: this process is there, for good. It refuses to know what
is in it. Linux only.

Packet sockets, sock_diag and /proc/net show the namespace of whoever asks, so an engine that
watches a container goes into its network and stays: listeners are asked for again each second,
when the right to move is long dropped. Nothing else of it moves: files, pids and users are seen as
before. Process events are told in the machine's first network namespace only, so taps that want
them (`AT_HOME`) are opened before.
"""

import ctypes
import os
import sys

from gwtop.errors import GwtopError
from gwtop.nouns.plan import Plan

CLONE_NEWNET = 0x40000000  # linux/sched.h
NAMED = "/run/netns"  # ip-netns(8)
OURS = "/proc/self/ns/net"


def path_of(plan: Plan) -> str | None:
    """The namespace that is meant. None: none was named."""
    if plan.netns is not None:
        return plan.netns if "/" in plan.netns else f"{NAMED}/{plan.netns}"
    return None if plan.pid is None else f"/proc/{plan.pid}/ns/net"


def names() -> list[str]:
    """Those that `ip netns add` made."""
    try:
        return sorted(os.listdir(NAMED))
    except (FileNotFoundError, PermissionError):
        return []


def is_hidden(plan: Plan) -> bool:
    """Whether the namespace of the process that is meant may not even be looked at: then nobody
    knows whether it is ours."""
    path = path_of(plan)
    if path is None or plan.netns is not None or sys.platform != "linux":
        return False
    try:
        os.stat(path)
    except PermissionError:
        return True
    except FileNotFoundError:  # no such process, or a kernel without network namespaces
        return False
    return False


def enter(plan: Plan) -> bool:
    """Whether we moved. Only the calling thread does: call it before there is another.

    Raises GwtopError where the namespace is not to be had: to watch ours instead would be wrong.
    """
    path = path_of(plan)
    if path is None or sys.platform != "linux":
        return False
    try:
        if os.path.samefile(path, OURS):
            return False
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise GwtopError(_missing(plan), _remedy(plan)) from None
    except PermissionError:
        if plan.netns is None:  # most likely it has our network; that it is hidden is a note
            return False
        raise GwtopError(f"{path} may not be read", "run gwtop as root") from None
    try:
        _set(descriptor, path)
    finally:
        os.close(descriptor)
    return True


def _set(descriptor: int, path: str) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.setns(descriptor, CLONE_NEWNET) != 0:
        why = os.strerror(ctypes.get_errno())
        raise GwtopError(f"cannot enter the network namespace {path} ({why})", "run gwtop as root")


def _missing(plan: Plan) -> str:
    if plan.netns is None:
        return f"there is no process {plan.pid}"
    return f"there is no network namespace {plan.netns}"


def _remedy(plan: Plan) -> str:
    if plan.netns is None:
        return "give the pid of a running process"
    found = ", ".join(names())
    return f"there are {found}" if found else "give --pid of a process that is in it"
