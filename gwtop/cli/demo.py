"""`gwtop demo`: starts a demo gateway, drives load at it and watches it.

Without a screen all is in this process: the demo and the load are its children, the engine its
loop. With one, a session's child holds demo, load and screen (`driving`), and the engine is a
child of that, attached to the demo's hop.
"""

from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from gwtop.cli import options
from gwtop.cli.finite import Finite
from gwtop.cli.options import Telling
from gwtop.errors import GwtopError
from gwtop.nouns.offers import RunDemo
from gwtop.nouns.plan import Plan

if TYPE_CHECKING:
    from gwtop.cli.hop import Hop
    from gwtop.demos import DemoInfo, Ready, RunningDemo
    from gwtop.load import RunningLoad


class Driving(TypedDict):
    """How the demo is set up and driven."""

    rate: float
    requests: int | None
    concurrency: int
    workers: int
    path: str | None
    front: str | None
    unix: bool
    keep: bool


@click.command()
@click.argument("name", required=False)
@click.option(
    "--rate",
    type=Finite(min=0),
    default=5.0,
    show_default=True,
    help="Requests per second; 0: as fast as it goes.",
)
@click.option("--requests", metavar="N", type=click.IntRange(min=1), help="Stop after N requests.")
@click.option(
    "--concurrency",
    metavar="C",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Requests in flight at most.",
)
@click.option(
    "--workers",
    metavar="W",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="Workers of the gateway, where it has workers.",
)
@click.option("--path", metavar="P", help="Ask only for this path (/error, /crash, /slow?ms=50).")
@click.option("--front", metavar="NAME", help="builtin, nginx, apache or lighttpd.")
@click.option("--unix", is_flag=True, help="Let front and gateway speak over a unix socket.")
@click.option("--keep", is_flag=True, help="No load; print the URL and watch what you send.")
@options.telling_options
def demo(name: str | None, **given: Unpack["DemoOptions"]) -> int:
    """Start a demo gateway, drive load at it, watch it (no NAME: list them)."""
    driving, telling = _split(given)
    options.check(telling)
    if name is None:
        list_demos()
        return 0
    from gwtop import demos
    from gwtop.cli import hop
    from gwtop.load import need_client

    if not driving["keep"]:
        need_client()
    has_screen = not telling["as_json"] and telling["table"] is None
    if has_screen and not _is_on_stage():
        return _begin_session(name, driving, telling)
    unix = driving["unix"] or hop.wants_unix(demos.find(name), driving["front"])
    running = demos.start(name, workers=driving["workers"], front=driving["front"], unix=unix)
    way = hop.of(running.ready)
    running.ready["url"] = way.url
    try:
        if driving["keep"]:
            click.echo(f"gwtop: the demo answers at {running.ready['url']}", err=True)
        if has_screen:
            from gwtop.cli.driving import run_screen

            argv = engine_argv(running.ready, way)
            return run_screen(running, _as_choice(name, driving), argv, telling)
        return _run_here(running, way, driving, telling)
    finally:
        _stop(running)


def _is_on_stage() -> bool:
    """Whether a session started us: it holds the rights, and what comes next is its business."""
    from gwtop.cli.session import Stage

    return click.get_current_context().find_object(Stage) is not None


def _begin_session(name: str, driving: Driving, telling: Telling) -> int:
    from gwtop import demos
    from gwtop.cli import screen, session

    screen.need_terminal()
    screen.take_terminal()
    demos.find(name)
    return session.run(_as_choice(name, driving), _words_of(telling))


def _as_choice(name: str, driving: Driving) -> RunDemo:
    return RunDemo(
        name,
        workers=driving["workers"],
        rate=driving["rate"],
        concurrency=driving["concurrency"],
        front=driving["front"],
        unix=driving["unix"],
        path=driving["path"],
        paused=driving["keep"],
        n_requests=driving["requests"],
    )


def _words_of(telling: Telling) -> tuple[str, ...]:
    """What of it goes for the next demo, too."""
    for_the_engine = ("--json", "--wishes", "--details")
    return tuple(word for word in options.argv_of(telling) if word not in for_the_engine)


def _stop(running: "RunningDemo") -> None:
    try:
        running.stop()
    except PermissionError:  # root's, and we are not root any more: it ends when we do
        return


class DemoOptions(Driving, Telling):
    pass


def _split(given: DemoOptions) -> tuple[Driving, Telling]:
    """The two halves of what click passed in one."""
    driving = Driving(
        rate=given["rate"],
        requests=given["requests"],
        concurrency=given["concurrency"],
        workers=given["workers"],
        path=given["path"],
        front=given["front"],
        unix=given["unix"],
        keep=given["keep"],
    )
    return driving, options.telling_of(given)


def _run_here(running: "RunningDemo", way: "Hop", driving: Driving, telling: Telling) -> int:
    from gwtop.cli.running import run

    loads: list[RunningLoad] = []

    def start() -> "RunningLoad | None":
        if driving["keep"]:
            return None
        loads.append(_start_load(running.ready, driving))
        return loads[0]

    try:
        status = run(
            plan_of(running.ready, way, telling), telling, start, lambda: running.poll() is not None
        )
    finally:
        for load in loads:
            load.stop()
    trouble = running.trouble() or (loads[0].trouble() if loads else None)
    if status in (0, 1) and trouble is not None:
        raise GwtopError(trouble)
    return status


def _start_load(ready: "Ready", driving: Driving) -> "RunningLoad":
    from gwtop.load import start_load

    return start_load(
        ready["url"],
        rate=driving["rate"],
        n_requests=driving["requests"],
        concurrency=driving["concurrency"],
        path=driving["path"],
    )


def plan_of(ready: "Ready", way: "Hop", telling: Telling) -> Plan:
    """What to watch: the hop worth decoding, and the demo's own tree.

    `--requests` is no part of it: the load sends that many, and the run ends when they and the
    exits of their processes have been seen.
    """
    from dataclasses import replace

    plan = replace(options.told_by(telling), pid=ready["pid"], front=ready["front"])
    plan = replace(plan, socket=way.path, ports=() if way.port is None else (way.port,))
    return plan if way.relay is None else replace(plan, relay=way.relay, capture="relay")


def engine_argv(ready: "Ready", way: "Hop") -> list[str]:
    """An engine of its own that watches the same."""
    argv = [*way.argv(), "--pid", str(ready["pid"])]
    return argv if ready["front"] is None else [*argv, "--front-pid", str(ready["front"])]


def list_demos() -> None:
    from gwtop import demos

    for info in demos.catalogue():
        click.echo(describe(info))


def describe(info: "DemoInfo") -> str:
    """One line of what it shows, in columns as wide as the longest word; another if it lacks."""
    model = f"{info.protocol:<7}  {info.process_model:<19}"
    line = f"gwtop demo {info.name:<15}  {model}  {info.summary}"
    return line if info.installed else f"{line}\n{'':>28}needs: {info.install}"
