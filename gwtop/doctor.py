"""What can be seen here and now, and the exact command for what can't.

In: this machine, this user, this moment. Out: `Finding`s; the command line prints them. It refuses
to guess: a tap that says "ok" was opened and closed again.
"""

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from gwtop import clock
from gwtop.nouns.plan import Plan
from gwtop.taps import (
    births,
    calls,
    diag,
    netns,
    privilege,
    ring,
    sandbox,
    seccomp,
    taskclock,
    taskstats,
    tracefs,
    unix_work,
)

TESTED = "x86_64"
"""The machine that all of it runs on in the tests; of aarch64 numbers and layouts are."""
READS_SINCE = (4, 16)  # tcp:tcp_rcv_space_adjust, by which `taps/sockets` sees a worker read


@dataclass(frozen=True, slots=True)
class Finding:
    name: str
    state: Literal["ok", "partial", "missing"]
    shows: str
    """What there is to see, or would be."""
    command: str | None
    """What to type to get it; None: nothing to do, or nothing that a command could do."""


def examine() -> list[Finding]:
    """Everything there is to know about this machine's taps; changes nothing, takes 10 ms."""
    if sys.platform != "linux":
        return [Finding("linux", "missing", "live taps need Linux; captures can be read", None)]
    found = [
        *_ring(),
        *_births(),
        *_census(),
        *_accounts(),
        *_tracefs(),
        *_calls(),
        *_unix_work(),
        *_namespaces(),
        *_kernel(),
        *_hold(),
    ]
    return [*found, *_relay(), *_ways(found)]


def _hold() -> Iterator[Finding]:
    """What keeps the engine, which parses hostile bytes with rights, from writing."""
    reason, has_landlock = seccomp.unavailable(), bool(sandbox.abi())
    if reason is None:
        captures = ", a capture's by Landlock too" if has_landlock else ""
        text = f"an engine that can open no file for writing: held by seccomp{captures}"
        yield Finding("hold", "ok", text, None)
    else:
        live = "a capture's engine by Landlock only" if has_landlock else "nothing holds an engine"
        yield Finding("hold", "missing", f"{live} to open no file for writing ({reason})", None)


def _ring() -> Iterator[Finding]:
    try:
        ring.Ring(Plan(ports=(1,)), clock.now(), n_blocks=1).close()
    except PermissionError:
        shows, command = privilege.NEEDS["ring"].shows, privilege.command()
        if calls.unavailable() is None:
            instead = "requests on ports in the workers' calls, not on the wire"
            yield Finding("ring", "partial", instead, command)
        else:
            yield Finding("ring", "missing", shows, command)
    except OSError as error:
        yield Finding("ring", "missing", f"packet ring: {error}", None)
    else:
        yield Finding("ring", "ok", privilege.NEEDS["ring"].shows, None)


def _births() -> Iterator[Finding]:
    shows = privilege.NEEDS["births"].shows
    if reason := births.unavailable():
        text = f"births by polling only, none shorter than 100 ms ({reason})"
        yield Finding("births", "partial", text, privilege.command())
    else:
        yield Finding("births", "ok", shows, None)


def _census() -> Iterator[Finding]:
    if privilege.sees_other_users():
        yield Finding("census", "ok", "processes of every user with their descriptors", None)
    else:
        text = "processes; descriptors and environ of your own only"
        yield Finding("census", "partial", text, privilege.command())


def _accounts() -> Iterator[Finding]:
    """What is known of a process's CPU time and memory at its end."""
    no_stats, no_clock = taskstats.unavailable(), taskclock.unavailable()
    if no_stats is None and no_clock is None:
        text = "CPU time and peak memory of every process that ends, however short"
        yield Finding("accounts", "ok", text, None)
    elif no_stats is None:
        text = "peak memory of every process that ends; its CPU time may lack a tick of 4 ms"
        yield Finding("accounts", "partial", text, privilege.command())
    else:
        text = "CPU time and memory as last sampled: none of a process of less than a second"
        refused = isinstance(no_stats, PermissionError)
        reason = f" ({taskstats.reason_of(no_stats)})"
        yield Finding(
            "accounts", "partial", text + reason, privilege.command() if refused else None
        )


def _tracefs() -> Iterator[Finding]:
    """The degrees of knowing which process answered; the best one to be had, and what raises it."""
    if tracefs.may_make():
        yield Finding("tracefs", "ok", "the kernel's word on who reads which connection", None)
        return
    text = (
        "who holds a connection when we look, ten times a second: a shorter request stays without "
        "a pid, but for CGI's environ and a sole worker"
    )
    yield Finding("tracefs", "partial", text, _tracefs_command(Plan()))


def _tracefs_command(plan: Plan) -> str:
    if tracefs.mounted() is not None or os.geteuid() != 0:
        return privilege.command(plan)
    return f"mount -t tracefs nodev {tracefs.TRACING}"


def _calls() -> Iterator[Finding]:
    """Unix sockets, through the workers' own system calls."""
    shows, machine = privilege.NEEDS["calls"].shows, os.uname().machine
    reason = calls.unavailable()
    if reason is None:
        limits = [f"untested on {machine}"] if machine != TESTED else []
        limits += ["how long they waited needs Linux 6.3"] if calls.lacks_arrivals() else []
        limited = f" ({'; '.join(limits)})" if limits else ""
        yield Finding("calls", "partial" if limits else "ok", shows + limited, None)
    else:
        command = privilege.command(Plan(socket="PATH")) if reason.refused else None
        yield Finding("calls", "missing", f"{shows} ({reason})", command)


def _unix_work() -> Iterator[Finding]:
    """Unix sockets where their bytes are not seen: turns at work, by tracepoints or by looking."""
    try:
        diag.unix_accepted("")
    except OSError as error:
        yield Finding("unix_work", "missing", f"the kernel lists no unix sockets: {error}", None)
        return
    shows = "workers of unix sockets without the bytes: who took which connection"
    if not tracefs.may_make():
        text = f"{shows}, by looking five times a second"
        yield Finding("unix_work", "partial", text, _tracefs_command(Plan(socket="PATH")))
    elif lacks := unix_work.lacks():
        text = f"{shows}, by looking five times a second (this kernel has no {lacks})"
        yield Finding("unix_work", "partial", text, None)
    else:
        text = f"{shows}, when, and how much was read and written"
        yield Finding("unix_work", "ok", text, None)


def _namespaces() -> Iterator[Finding]:
    """Where sockets may be that are not in our own network."""
    named = ", ".join(netns.names()) or "none has a name"
    text = f"gateways in other network namespaces ({named}): attach --netns NAME or --pid PID"
    if privilege.Capability.SYS_ADMIN in privilege.held():
        yield Finding("namespaces", "ok", text, None)
    else:
        yield Finding("namespaces", "missing", text, f"{privilege.command()} --netns NAME")


def version_of(release: str) -> tuple[int, int]:
    """(0, 0) for a release that starts with no version."""
    match = re.match(r"(\d+)\.(\d+)", release)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def kernel_release() -> str:
    return os.uname().release


def _relay() -> Iterator[Finding]:
    """In the path, where nothing may be captured."""
    text = "a relay beside a unix socket of yours, or before a port, without any right"
    yield Finding("relay", "ok", f"{text}: gwtop tap unix:PATH", None)


def _ways(found: list[Finding]) -> Iterator[Finding]:
    """What to type where something is missing: from all there is to see down to no right."""
    if privilege.in_container():
        text = "this is a container: commands with sudo, and tcpdump's, are for outside of it"
        yield Finding("container", "partial", text, None)
    if any(finding.state != "ok" and finding.command for finding in found):
        for command, shows in privilege.alternatives():
            yield Finding("or", "missing", shows, command)


def _kernel() -> Iterator[Finding]:
    release, machine = kernel_release(), os.uname().machine
    version = version_of(release)
    if version >= READS_SINCE and machine == TESTED:
        yield Finding("kernel", "ok", f"Linux {release}: who reads a connection", None)
    elif version >= READS_SINCE:
        text = f"Linux {release}: who reads a connection (untested on {machine})"
        yield Finding("kernel", "partial", text, None)
    else:
        text = f"Linux {release}: who reads a connection is told since 4.16"
        yield Finding("kernel", "missing", text, None)
