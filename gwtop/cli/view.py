"""`gwtop view`: facts from elsewhere, from files, pipes and standard input, as they come.

In: names. Out: their lines in the order of their instants, on stdout, in a table, or on a screen,
which a process of its own feeds: reading what may block is none of the screen's business.

A file that grows is followed on the screen (and with `--follow`) until its summary; so is a pipe
until its end. One `poll` waits for all of them; a regular file, which `poll` cannot wait for, is
looked at four times a second.
"""

import os
import select
import stat
import sys
from collections.abc import Iterable, Iterator

import click

from gwtop import clock, journal
from gwtop.cli import options
from gwtop.errors import GwtopError
from gwtop.merge import Merge, Source
from gwtop.nouns.times import MILLISECOND_NS

LOOK_MS = 250
READ_BYTES = 256 * 1024
MAX_LINE_BYTES = 64 * 1024 * 1024  # bodies in full are the longest; without an end it is no fact
STDIN, STDOUT = 0, 1


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--follow", is_flag=True, help="Wait for more at the end of a file; a screen does.")
@click.option("--life", type=int, hidden=True)
@options.output_options
def view(
    files: tuple[str, ...], follow: bool, life: int | None, as_json: bool, table: str | None
) -> int:
    """Show facts (JSON lines) from elsewhere; several files merge by time (-: standard input)."""
    if as_json and table is not None:
        raise click.UsageError("--json and --table exclude each other.")
    options.check_table(table)
    if files.count("-") > 1:
        raise click.UsageError("Standard input can be read once.")
    if life is not None:
        from gwtop.cli.session import end_with

        end_with(life)
    if not as_json and table is None:
        return _show(files)
    if table is not None:
        _print_table(merged(files, follow), table)
        return 0
    for lines in merged(files, follow):
        _write(b"".join(lines))
    return 0


def _show(files: tuple[str, ...]) -> int:
    from gwtop import recent
    from gwtop.cli import screen

    screen.need_terminal()
    for name in files:
        if name != "-" and not os.access(name, os.R_OK):  # a FIFO must not be opened in vain
            _opened(name)
    argv = ["view", "--json", "--follow", "--", *files]
    with screen.spawn_reader(argv, reads_our_stdin="-" in files) as engine:
        screen.become_user()
        for name in files:
            recent.remember("view", name)
        return screen.show(engine, title=" ".join(files), waits=True)


def _write(data: bytes) -> None:
    """All of it, at once: whoever looks is waiting."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _print_table(batches: Iterable[list[bytes]], name: str) -> None:
    from gwtop.outputs.table import TableAtTheEnd

    shown = TableAtTheEnd(name)
    for lines in batches:
        for line in lines:
            fact = journal.decode(line)
            if not isinstance(fact, journal.Unknown):
                shown.put([fact])
    shown.show()


class Reader:
    """A descriptor whose lines go to a source of the merge."""

    def __init__(self, name: str, source: Source, follow: bool) -> None:
        self.source = source
        self.fd = _opened(name)
        mode = os.fstat(self.fd).st_mode
        self.is_regular = stat.S_ISREG(mode)
        self._follows = follow and self.is_regular
        self._name = name
        self._rest = b""

    def read(self) -> bool:
        """Takes what is there now; whether it was anything."""
        try:
            data = os.read(self.fd, READ_BYTES)
        except BlockingIOError:  # a FIFO that somebody else emptied
            return False
        if not data:
            if not self._follows or self.source.finished:
                self._end()
            return False
        if len(self._rest) > MAX_LINE_BYTES:
            where = f"{self._name}, line {self.source.n_lines + 1}"
            raise GwtopError(f"{where}: longer than any fact", "give a file of facts")
        *lines, self._rest = (self._rest + data).split(b"\n")
        now = clock.monotonic_ns()
        for line in lines:
            self.source.put(line, now)
        return True

    def _end(self) -> None:
        """A cut last line is left out, and said."""
        self.source.ended = True
        if self._rest.strip():
            from gwtop.panels import escape

            n = self.source.n_lines + 1
            click.echo(f"gwtop: {escape(self._name)} ends within line {n}", err=True)


def merged(files: tuple[str, ...], follow: bool = False) -> Iterator[list[bytes]]:
    """The lines of one file as they are; of several by time, with their hosts; as they come."""
    merge = Merge(tuple(_label(name) for name in files))
    readers = [Reader(n, s, follow) for n, s in zip(files, merge.sources, strict=True)]
    while not merge.is_over:
        moved = _read_files(readers)
        lines = merge.due(clock.monotonic_ns())
        if lines:
            yield lines
        elif not moved and not merge.is_over:
            _await(readers, merge)


def _label(name: str) -> str:
    return "standard input" if name == "-" else os.path.basename(name)


def _read_files(readers: list[Reader]) -> bool:
    """Regular files are always ready."""
    moved = False
    for one in readers:
        if one.is_regular and not one.source.ended and not one.source.is_full:
            moved = one.read() or one.source.ended or moved
    return moved


def _await(readers: list[Reader], merge: Merge) -> None:
    """Until a pipe has something, or a line is due, or files want to be looked at again."""
    live = [one for one in readers if not one.source.ended]
    pipes = {one.fd: one for one in live if not one.is_regular and not one.source.is_full}
    poll = select.poll()
    for fd in pipes:
        poll.register(fd, select.POLLIN)
    if stat.S_ISFIFO(os.fstat(STDOUT).st_mode):
        poll.register(STDOUT, 0)  # nothing but the end of whoever reads us
    left_ns = merge.wait_ns(clock.monotonic_ns())
    waits = [] if left_ns is None else [-(-left_ns // MILLISECOND_NS)]
    waits += [LOOK_MS] if any(one.is_regular for one in live) else []
    for fd, _ in poll.poll(min(waits) if waits else None):
        if fd == STDOUT:
            raise BrokenPipeError
        pipes[fd].read()


def _opened(name: str) -> int:
    if name == "-":
        return STDIN
    try:
        fd = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as why:
        raise GwtopError(
            f"cannot read {name} ({why.strerror})", "give a file of facts, or - for standard input"
        ) from None
    if stat.S_ISDIR(os.fstat(fd).st_mode):
        os.close(fd)
        raise GwtopError(f"{name} is a folder", "give a file of facts, or - for standard input")
    return fd
