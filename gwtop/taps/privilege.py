"""Rights: what each tap needs, what we hold, and giving the rest up.

In: /proc/self/status and the capability system calls. Out: names and sentences; and `drop`, after
which this process holds no more than it was told to keep and can never gain it back.

The engine parses hostile bytes, so it opens its taps with rights and reads without them: a ring,
a connector socket and trace descriptors work on for whoever holds them. Reading another user's
environ and descriptors is the exception: the kernel asks at each read, hence `keep`.

Only capabilities are dropped, not the user id: setuid would clear PR_SET_PDEATHSIG, by which the
engine dies with its parent. Root without capabilities still owns root's files; no_new_privs and
the emptied bounding set see to it that no program it might run gains anything.
"""

import ctypes
import os
import resource
import shlex
import sys
from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum

from gwtop.nouns.plan import Plan
from gwtop.taps import namespaces


class Capability(IntEnum):
    """linux/capability.h; those that some tap can use."""

    DAC_OVERRIDE = 1
    DAC_READ_SEARCH = 2
    SETPCAP = 8
    NET_ADMIN = 12
    NET_RAW = 13
    SYS_PTRACE = 19
    SYS_ADMIN = 21
    PERFMON = 38
    BPF = 39


@dataclass(frozen=True, slots=True)
class Need:
    """What a tap wants to hold when it opens, and what it then shows."""

    capabilities: frozenset[Capability]
    while_reading: frozenset[Capability]
    """The part that must outlive `drop`."""
    shows: str


OTHERS = frozenset({Capability.SYS_PTRACE, Capability.DAC_READ_SEARCH})
"""For another user's environ, descriptors and maps the kernel wants both (FACTS 11)."""
TRACING = frozenset({Capability.SYS_ADMIN, Capability.DAC_OVERRIDE})
"""tracefs is root's, and files and folders are made in it: SYS_ADMIN alone is refused (6.18)."""

NEEDS = {
    "ring": Need(frozenset({Capability.NET_RAW}), frozenset(), "the requests on the wire"),
    # Listening is free since about Linux 6.6 (works as nobody on 6.18) and wants NET_ADMIN before.
    "births": Need(
        frozenset({Capability.NET_ADMIN}), OTHERS, "every fork, exec and exit, however short"
    ),
    "census": Need(frozenset(), OTHERS, "the processes of other users: descriptors and environ"),
    "taskstats": Need(
        frozenset({Capability.NET_ADMIN}),
        frozenset(),
        "the CPU time and the peak memory of processes too short to be sampled",
    ),
    "taskclock": Need(
        frozenset({Capability.PERFMON}),
        frozenset(),
        "the CPU time of short processes closer than to a tick of 4 ms",
    ),
    "sockets": Need(TRACING, frozenset(), "which worker read what"),
    "calls": Need(
        TRACING,
        frozenset(),
        "the requests on unix sockets, and on ports without packets, as the workers read and "
        "write them",
    ),
}

# linux/prctl.h
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 24, 38, 47, 4
PR_SET_DUMPABLE = 4
CAPABILITY_VERSION_3 = 0x20080522  # linux/capability.h
LAST_CAPABILITY_LIMIT = 64  # two words of 32 in version 3


def _status(field: str) -> str | None:
    """A field of /proc/self/status; None where there is no such file or field."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as lines:
            for line in lines:
                name, _, value = line.partition(":")
                if name == field:
                    return value.strip()
    except FileNotFoundError:  # no Linux, or no /proc
        return None
    return None


def _mask() -> int:
    return int(_status("CapEff") or "0", 16)


def held() -> frozenset[Capability]:
    """The capabilities this process can use now."""
    mask = _mask()
    return frozenset(c for c in Capability if mask >> c & 1)


def sees_other_users() -> bool:
    return held() >= OTHERS


def command(plan: Plan | None = None) -> str:
    """The command that would run this with all rights, as one can paste it."""
    own = program()
    if plan is None or not (plan.ports or plan.socket or plan.pid):
        return f"sudo {own} attach --port PORT"
    words = [] if plan.by_pid else [f"--port {port}" for port in plan.ports]
    for option, value in (
        ("--socket", None if plan.by_pid else plan.socket),
        ("--pid", plan.pid),
        ("--netns", plan.netns),
        ("--host", plan.host),
        ("--interface", None if plan.interface == Plan().interface else plan.interface),
        ("--protocol", plan.protocol),
        ("--capture", plan.capture if _was_asked_for(plan) else None),
    ):
        words += [] if value is None else [f"{option} {shlex.quote(str(value))}"]
    return " ".join([f"sudo {own} attach", *words])


def _was_asked_for(plan: Plan) -> bool:
    """The way to see it was, and is not what there is without a word."""
    return plan.capture in ("libpcap", "calls") and not plan.is_capture_open


def program() -> str:
    """This program, as one can type it anywhere."""
    path = os.path.abspath(sys.argv[0]) if sys.argv and sys.argv[0] else ""
    if os.path.basename(path) == "gwtop":
        return shlex.quote(path)
    return f"{shlex.quote(sys.executable)} -m gwtop"


def alternatives() -> list[tuple[str, str]]:
    """Commands that show more than can be seen without rights, each with what it shows."""
    own = program()
    wanted = frozenset[Capability]().union(
        *(n.capabilities | n.while_reading for n in NEEDS.values())
    )
    names = ",".join(f"+{c.name.lower()}" for c in sorted(wanted))
    as_you = f"--reuid {os.getuid()} --regid {os.getgid()} --init-groups"
    return [
        (f"{own} attach --sudo --port PORT", "everything; only the engine is root, and drops most"),
        (
            f"sudo env HOME=$HOME setpriv {as_you} --inh-caps {names} --ambient-caps {names} "
            f"{own} attach --port PORT",
            "everything, as yourself with the capabilities it needs",
        ),
        (
            f"sudo tcpdump -i lo -U -s 0 -w - 'tcp port PORT' | {own} read -",
            "the requests alone; nothing of gwtop is privileged",
        ),
        (
            f"dumpcap -q -i lo -f 'tcp port PORT' -w - | {own} read -",
            "the same for members of the group wireshark, without sudo",
        ),
        (
            f"{own} tap unix:PATH, or {own} tap LISTEN:PORT",
            "requests and workers through a relay; no right at all",
        ),
    ]


def needed(tap: str, plan: Plan | None = None) -> str:
    """One line: what would show what this tap shows."""
    need = NEEDS[tap]
    names = [f"CAP_{c.name}" for c in sorted(need.capabilities or need.while_reading)]
    verb = "shows" if len(names) == 1 else "show"
    where = "outside this container, " if in_container() else ""
    return f"{' and '.join(names)} {verb} {need.shows}: {where}{command(plan)}"


def in_container() -> bool:
    """Rights over the machine are not to be had here, not even by root."""
    return namespaces.is_first("user") is False or namespaces.is_first("pid") is False


def to_keep(plan: Plan) -> frozenset[Capability]:
    """What the engine must still hold after opening its taps, as far as it holds it now."""
    wanted = frozenset[Capability]().union(*(need.while_reading for need in NEEDS.values()))
    if plan.relay is not None and plan.relay.listen is None:
        wanted |= {Capability.DAC_OVERRIDE}  # the socket's name goes back in another user's folder
    if (plan.socket is not None or plan.capture == "calls") and plan.relay is None:
        wanted |= {Capability.PERFMON}  # a server that is started anew is probed, too
    return wanted & held()


def allow_many_descriptors() -> None:
    """As many as may be had without a right: the soft limit of 1,024 is for programs that use
    select, and a relay needs two a connection, probes one a thread."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _call(library: ctypes.CDLL, name: str, *arguments: object) -> None:
    if getattr(library, name)(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


def _drop_bounding(library: ctypes.CDLL, keep: frozenset[Capability]) -> None:
    """Only possible with SETPCAP; without it there is nothing that exec could give anyhow."""
    if Capability.SETPCAP not in held():
        return
    known = int(_status("CapBnd") or "0", 16)
    for number in range(LAST_CAPABILITY_LIMIT):
        if known >> number & 1 and number not in keep:
            _call(library, "prctl", PR_CAPBSET_DROP, number, 0, 0, 0)


def drop(keep: Collection[Capability] = ()) -> frozenset[Capability]:
    """Gives up every capability but `keep`, for good; what is then held. May be called again.

    Needs no right itself. Only the calling thread is changed, so call it before starting any.
    Elsewhere than on Linux there is nothing to give up. Raises OSError if the kernel refuses,
    which it has no reason to: going on with rights would be a lie.
    """
    if sys.platform != "linux":
        return frozenset()
    library = ctypes.CDLL(None, use_errno=True)
    kept = frozenset(keep) & held()
    _call(library, "prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    library.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)  # EINVAL before 4.3: had none
    _drop_bounding(library, kept)
    mask = sum(1 << c for c in kept)
    low, high = mask & 0xFFFFFFFF, mask >> 32
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)(low, low, 0, high, high, 0)  # effective, permitted, inheritable
    _call(library, "capset", header, data)
    if os.geteuid() == 0:  # bytes of others pass through: no core file of ours shall have them
        _call(library, "prctl", PR_SET_DUMPABLE, 0, 0, 0, 0)
    return held()
