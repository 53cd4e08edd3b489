"""Spending: whose account an account is.

In: a `Spent`, who has that pid now, who had it until a moment ago. Out: the process that ended so,
with what it spent written on it. It refuses to know strangers: accounts come for the whole machine.

An account names a pid, and a pid is used again, within milliseconds where there are few. It also
says how long its process lived, and that is as good as a name: a birth and an exit are stamped by
the kernel, as the account is. Accounts are written before the memory is given back, which takes
long for large processes, and the exit is stamped after it.
"""

from collections.abc import Iterable

from gwtop.nouns.records import Spent
from gwtop.nouns.times import MILLISECOND_NS, SECOND_NS
from gwtop.tracker.process import Process

STAMPS_SLACK_NS = 30 * MILLISECOND_NS  # /proc counts births in ticks of 10 ms, up to two late
DISMANTLING_NS = 2 * SECOND_NS  # 64 GiB of memory are given back in 1 s
ALIKE_NS = MILLISECOND_NS  # lives that differ by less are told apart by their order


def whose(account: Spent, now: Process | None, gone: Iterable[Process]) -> Process | None:
    """None: a stranger's, or that of a process whose exit has been told."""
    by_ns = {
        process: distance_ns
        for process in gone
        if process.pid == account.pid
        and not _has(process, account)
        and (distance_ns := _distance_ns(account, process)) is not None
    }
    if by_ns:
        limit_ns = min(by_ns.values()) + ALIKE_NS
        return next(process for process, distance_ns in by_ns.items() if distance_ns <= limit_ns)
    if now is not None and not _has(now, account) and _may_end(account, now):
        return now
    return None


def _has(process: Process, account: Spent) -> bool:
    """Whether its account of this kind has come: one tap tells of memory, another does not."""
    return process.accounted if account.max_rss_bytes is not None else process.clocked


def write_down(account: Spent, process: Process) -> None:
    process.spent_cpu_ns = max(process.spent_cpu_ns or 0, account.cpu_ns)
    if account.max_rss_bytes is None:
        process.clocked = True
    else:
        process.accounted = True
        process.max_rss_bytes = max(process.max_rss_bytes or 0, account.max_rss_bytes)


def cpu_ns_of(process: Process) -> int | None:
    """All of it; each source says "at least so much"."""
    known = [ns for ns in (process.cpu_ns, process.spent_cpu_ns) if ns is not None]
    return max(known) if known else None


def _distance_ns(account: Spent, process: Process) -> int | None:
    """How far the process's life was from the account's. None: it is another one's."""
    if process.exited_at is None or process.born_at is None:
        return 0
    by_ns = process.exited_at - process.born_at - account.lifetime_ns
    return abs(by_ns) if -STAMPS_SLACK_NS <= by_ns <= DISMANTLING_NS else None


def _may_end(account: Spent, process: Process) -> bool:
    """It lives as long as the account says, so its exit is on its way."""
    if process.born_at is None:
        return True
    return account.at - process.born_at >= account.lifetime_ns - STAMPS_SLACK_NS
