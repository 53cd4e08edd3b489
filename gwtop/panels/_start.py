"""The start screen's rows: who listens here, the demos, the files shown before.

In: one look at the machine, the demos, the files, a width. Out: entries, each a line with what it
starts and what is to be said of it. Refuses to know how anything is started.
"""

from collections.abc import Sequence
from typing import NamedTuple

from gwtop.nouns.offers import (
    Attach,
    Choice,
    DemoOffer,
    Ear,
    Heard,
    Recent,
    RunDemo,
    ShowFile,
    WithSudo,
)
from gwtop.nouns.times import Nanos
from gwtop.panels._base import Cell, Line
from gwtop.panels._safe import safe
from gwtop.panels._text import UNKNOWN, duration, plural

SHOWN_KNOWN, SHOWN_OTHERS = 12, 4
"""Listeners of which something is guessed, and nothing; the rest is one row that unfolds."""
UNFOLD = "unfold"
LISTENING, DEMOS, FILES = "Listening here", "Demos", "Shown before"
PROTOCOL_WIDTH, QUEUE_WIDTH, LISTEN_WIDTH = 8, 9, 21
NO_GATEWAY = "no gateway that we know of; the demos below bring their own"


class Offer(NamedTuple):
    """All that there is to choose from."""

    heard: Heard | None = None
    """None: nobody has looked yet."""
    demos: Sequence[DemoOffer] = ()
    files: Sequence[Recent] = ()
    now_at: Nanos = 0
    has_rights: bool = True


class Entry(NamedTuple):
    key: str
    """Stays with the row when others come; "" for what cannot be chosen."""
    line: Line
    choice: Choice | None = None
    about: tuple[str, ...] = ()
    """What choosing it does, and why it says what it says."""
    copies: str = ""
    """A command to copy, where choosing it starts nothing."""


def entries(offer: Offer, width: int, unfolded: bool = False) -> list[Entry]:
    """Every row from top to bottom, headings and gaps included."""
    room = _listen_width(offer, width)
    found = [_heading(LISTENING, "gateways first; nobody was asked anything")]
    found += [*_ears(offer, room, unfolded), *_rights(offer)]
    if offer.demos:
        here = sum(not demo.missing for demo in offer.demos)
        about = f"a gateway of its own, with load: {here} of {len(offer.demos)} can start here"
        found += [_gap(), _heading(DEMOS, about)]
        found += demo_entries(offer.demos)
    if offer.files:
        found += [_gap(), _heading(FILES, "captures, recordings and facts")]
        found += [_file(one, offer.now_at) for one in offer.files]
    return found


def _listen_width(offer: Offer, width: int) -> int:
    longest = max((len(ear.listen) for ear in (offer.heard.ears if offer.heard else ())), default=0)
    return max(LISTEN_WIDTH, min(longest, width - 62))


def _ears(offer: Offer, room: int, unfolded: bool) -> list[Entry]:
    if offer.heard is None:
        return [_words("looking …")]
    known = [ear for ear in offer.heard.ears if ear.protocol is not None]
    others = [ear for ear in offer.heard.ears if ear.protocol is None]
    n_known = len(known) if unfolded or len(known) <= SHOWN_KNOWN + 1 else SHOWN_KNOWN
    n_others = len(others) if unfolded or len(others) <= SHOWN_OTHERS + 1 else SHOWN_OTHERS
    lines = [_ear(ear, room) for ear in (*known[:n_known], *others[:n_others])]
    hidden = [f"{len(known) - n_known} more like these"] if n_known < len(known) else []
    if n_others < len(others):
        hidden.append(f"{len(others) - n_others} more, of which nothing is guessed")
    if hidden:
        line = (Cell(f"  … {', and '.join(hidden)}", "dim"),)
        lines.append(Entry(UNFOLD, line, about=("show them all",)))
    return lines if any(ear.is_gateway for ear in known) else [_words(NO_GATEWAY), *lines]


def _ear(ear: Ear, room: int) -> Entry:
    where = safe(ear.listen)
    if len(where) > room:
        where = f"{where[:6]}…{where[-room + 7 :]}"
    queue = UNKNOWN if ear.pending is None else f"{ear.pending}/{ear.limit}"
    line = (
        Cell(f"  {_spoken(ear):<{PROTOCOL_WIDTH}}  ", "accent" if ear.is_gateway else "dim"),
        Cell(f"{where:<{room}} ", "bold" if ear.is_gateway else ""),
        Cell(" queue ", "dim"),
        Cell(f"{queue:<{QUEUE_WIDTH}} ", "warn" if ear.pending else ""),
        *_owner(ear),
    )
    what = f"--port {ear.port}" if ear.port else f"--socket {safe(ear.listen[5:])}"
    about = [f"gwtop attach {what}"]
    if ear.protocol is not None:
        about.append(f"≈{ear.protocol}: {ear.why}; what it really speaks, its bytes will say")
    elif ear.pid is None:
        about.append("whose it is cannot be seen without rights; its bytes will say what it speaks")
    else:
        about.append("what it speaks, its bytes will say once it is watched")
    choice = Attach(ear.port, "" if ear.port else ear.listen.removeprefix("unix:"))
    return Entry(f"ear {ear.listen}", line, choice, tuple(about))


def _spoken(ear: Ear) -> str:
    return "?" if ear.protocol is None else f"≈{ear.protocol}"


def _owner(ear: Ear) -> Line:
    name = safe(ear.name)[:24]
    words = [Cell(name or "owner not seen", "" if name else "dim")]
    if ear.pid is not None:
        words.append(Cell(f" {ear.pid}", "accent"))
    if ear.user:
        words.append(Cell(f" {safe(ear.user)}", "dim"))
    if ear.n_owners > 1:
        words.append(Cell(f"  {plural(ear.n_owners, 'process', 'processes')}", "dim"))
    return tuple(words)


def _rights(offer: Offer) -> list[Entry]:
    """What one would see with rights, said where they are missing."""
    if offer.has_rights:
        return []
    line = (
        Cell("  s ", "warn"),
        Cell("with sudo: every owner, frames from the kernel, births, who reads which connection"),
    )
    about = (
        "gwtop --sudo",
        "asks for the password; only the engine will be root, what paints will not",
    )
    return [Entry("sudo", line, WithSudo(), about)]


def demo_entries(demos: Sequence[DemoOffer]) -> list[Entry]:
    """Those that can start come first."""
    return [_demo(demo) for demo in sorted(demos, key=lambda d: (bool(d.missing), d.name))]


def _demo(demo: DemoOffer) -> Entry:
    is_here = not demo.missing
    line: Line = (
        Cell(f"  {demo.name:<17}", "bold" if is_here else "dim"),
        Cell(f"{demo.process_model:<20}", "" if is_here else "dim"),
        Cell(f"{demo.protocol:<8} ", "accent" if is_here else "dim"),
        Cell(demo.summary if is_here else f"needs {', '.join(demo.missing)}", "dim"),
    )
    if is_here:
        return Entry(
            f"demo {demo.name}", line, RunDemo(demo.name), (f"gwtop demo {demo.name}", demo.summary)
        )
    command = demo.install or ""
    about = (f"needs: {command}" if command else "cannot be had here", demo.summary)
    return Entry(f"demo {demo.name}", line, None, about, copies=command)


def _file(one: Recent, now_at: Nanos) -> Entry:
    folder, _, name = one.path.rpartition("/")
    line = (
        Cell(f"  {one.command:<5}", "accent"),
        Cell(f"{safe(name)}  ", "bold"),
        Cell(f"{safe(folder) or '/'}  ", "dim"),
        Cell(f"{duration(max(0, now_at - one.at))} ago", "dim"),
    )
    about = (f"gwtop {one.command} {safe(one.path)}",)
    return Entry(f"file {one.path}", line, ShowFile(one.command, one.path), about)


def _heading(title: str, words: str) -> Entry:
    return Entry("", (Cell(f" {title}", "bold"), Cell(f"  {words}", "dim")))


def _words(text: str) -> Entry:
    return Entry("", (Cell(f"  {text}", "dim"),))


def _gap() -> Entry:
    return Entry("", ())


def plain(offer: Offer) -> list[str]:
    """The same for a pipe: every row, and the command that starts or installs it."""
    told: list[str] = []
    for entry in entries(offer, 100, unfolded=True):
        told.append("".join(cell.text for cell in entry.line).rstrip())
        if entry.copies:
            told.append(f"{'':<28}needs: {entry.copies}")
        elif entry.key and isinstance(entry.choice, Attach | WithSudo):
            told.append(f"{'':<28}{entry.about[0]}")
    return told
