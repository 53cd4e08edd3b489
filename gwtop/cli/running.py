"""Runs an engine in this process and prints what it tells.

In: a plan and how to tell it. Out: facts on stdout (lines, or a table at the end), warnings on
stderr, an exit status. It refuses to know which command asked.

Order matters: the janitor is started before anything is open, taps and files are opened next,
rights are dropped then, and bytes are read last.
"""

import gc
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import click

from gwtop import clock
from gwtop.cli.debug import DebugReport
from gwtop.cli.options import Telling
from gwtop.cli.parent import end_with_parent
from gwtop.cli.rereading import rereading
from gwtop.cli.signals import Signals
from gwtop.cli.wishes import WishReader
from gwtop.engine import Engine
from gwtop.nouns.plan import Plan
from gwtop.nouns.run import Driven, Sink, Terms
from gwtop.taps import Tap

STDIN, STDOUT, STDERR = 0, 1, 2
GARBAGE_THRESHOLD = 100_000  # containers more than before: some 30 MB, several batches


def run(
    plan: Plan,
    telling: Telling,
    on_hello: Callable[[], Driven | None] = lambda: None,
    has_lost_its_subject: Callable[[], bool] = lambda: False,
) -> int:
    """The exit status of a run without a screen."""
    from gwtop.taps import chosen
    from gwtop.tracker import Tracker

    if telling["wishes"]:
        end_with_parent(STDIN)
    plan = chosen.told_by(plan)
    plan = replace(_start_janitor(plan), keeps=telling["wishes"])
    report = None if plan.debug is None else DebugReport(plan.debug)
    taps = open_taps(plan)
    _drop_rights(plan)
    for tap in taps:
        if tap.state.state != "open" and tap.state.needs is not None:
            click.echo(f"gwtop: {tap.name} is {tap.state.state}: {tap.state.needs}", err=True)
    for said in chosen.words(plan, clock.now()):
        click.echo(f"gwtop: {said.text}", err=True)
    sink, show = _sink(telling)
    spare_garbage_collection()
    with Signals() as signals:
        terms = Terms(
            signals=signals,
            wishes=_wishes(plan, telling["wishes"]),
            on_hello=on_hello,
            has_lost_its_subject=has_lost_its_subject,
            report=report,
            reread=rereading(plan),
        )
        tracker = Tracker(plan, live=plan.file is None)
        try:
            return Engine(plan, taps, tracker, sink, terms).run()
        finally:
            show()
            if report is not None:
                report.close()


def spare_garbage_collection() -> None:
    """Fewer looks for cycles: the engine makes none of its short-lived objects, only many of them.

    At Python's 700 the collector walked every batch several times: 25 % of a replay (measured).
    """
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)


def _start_janitor(plan: Plan) -> Plan:
    """Where this process will have trace instances, or a socket's name, somebody has to outlive
    it. The plan, with what the janitor and the relay share."""
    from gwtop.taps import acceptors, probes, swap, tracefs

    cleaners: list[Callable[[], bool]] = []
    if plan.file is None and (plan.ports or plan.socket) and tracefs.may_make():
        cleaners.append(partial(tracefs.remove_of, tracefs.own_prefix()))
    in_calls = plan.socket or acceptors.ports_of(plan)
    if plan.file is None and in_calls and tracefs.may_make():
        cleaners.append(partial(probes.remove_of, tracefs.own_prefix()))
    if plan.relay is not None and plan.relay.listen is None:
        memory = swap.shared_memory()
        plan = replace(plan, relay=replace(plan.relay, memory=memory))
        names = swap.names(plan.socket or "", os.getpid())
        cleaners.append(partial(swap.restore_after_death, names, swap.Shared(memory), STDERR))
    if cleaners:
        from gwtop.janitor import watch_over_us

        speaks = (STDERR,) if plan.relay is not None else ()
        watch_over_us(lambda: min([clean() for clean in cleaners]), speaks)  # each gets its turn
    return plan


def open_taps(plan: Plan) -> list[Tap]:
    """Live taps that this plan asks for, refused ones included; or the one that reads a file."""
    if plan.file is not None:
        from gwtop.taps.files import open_capture

        return [open_capture(plan.file, plan)]
    from gwtop.taps import discover, netns

    modules = list(discover())
    at_home = [getattr(module, "AT_HOME", False) for module in modules]
    opened: list[Tap | None] = [None] * len(modules)
    for now_at_home in (True, False):
        for place, module in enumerate(modules):
            if at_home[place] == now_at_home:
                opened[place] = module.open_tap(plan, clock.now())
        if now_at_home:
            netns.enter(plan)
    return [tap for tap in opened if tap is not None]


def _drop_rights(plan: Plan) -> None:
    """And no file is opened for writing from here on. A filter of system calls sees to that; a
    file's reader, which looks into no process, is held by Landlock too, where the kernel has it."""
    from gwtop.taps import privilege, sandbox, seccomp

    if plan.file is not None:
        privilege.drop(())
        sandbox.forbid_writing({})
        seccomp.forbid_writing()
        return
    privilege.drop(privilege.to_keep(plan))
    seccomp.forbid_writing(keeps_names=plan.relay is not None and plan.relay.listen is None)


def _sink(telling: Telling) -> tuple[Sink, Callable[[], None]]:
    """Where facts go, and what shows them once all are there."""
    if telling["table"] is not None:
        from gwtop.outputs.table import TableAtTheEnd

        table = TableAtTheEnd(telling["table"])
        return table, table.show
    from gwtop.outputs.jsonl import JsonLines

    return JsonLines(STDOUT), lambda: None


def _wishes(plan: Plan, from_our_screen: bool) -> WishReader | None:
    """From our screen, or from whatever program holds a pipe to us; never from a terminal."""
    if from_our_screen:
        return WishReader(STDIN, ends_the_run=True)
    if plan.file == "-":
        return None
    try:
        mode = os.fstat(STDIN).st_mode
    except OSError:  # closed
        return None
    is_pipe = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
    return WishReader(STDIN, ends_the_run=False) if is_pipe else None
