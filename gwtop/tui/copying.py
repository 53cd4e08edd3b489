"""What can be copied of what one stands on, and the bytes that put it on the terminal's clipboard.

In: the app; a text. Out: choices with their texts; OSC 52 (xterm control sequences, "Manipulate
Selection Data"), wrapped so that tmux and screen pass it on. Knows no clipboard: the terminal has
one, on the user's own machine even through ssh.

tmux by default ("set-clipboard external") takes OSC 52 from nobody, and passes nothing through
("allow-passthrough off"); its own command does it whatever is set, so it is asked too, in a thread:
a tmux that does not answer must not stop the screen.
"""

import os
import subprocess
from base64 import b64encode
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from gwtop.journal import encode
from gwtop.nouns.facts import Request
from gwtop.outputs.repeat import curl_of, lines_of
from gwtop.panels import Column, Row
from gwtop.tui.table import LiveTable

if TYPE_CHECKING:
    from gwtop.tui.app import Screen

MAX_BYTES = 74_994
"""100,000 characters of base64: what the narrowest terminals of today take (kitty, foot, iTerm2
more, xterm and Windows Terminal much more)."""
SCREEN_PIECE = 240
"""screen cuts strings at 256 bytes in old versions, at 768 in new ones."""
TMUX_DEADLINE_S = 1.0


class Choice(NamedTuple):
    key: str
    label: str
    text: str


def choices(app: "Screen") -> list[Choice]:
    """Of the open detail, else of the selected row; [] where nothing is selected."""
    fact = app.detail if isinstance(app.detail, Request) else None
    table = app.focused
    if fact is None and isinstance(table, LiveTable) and table.cursor.selected is not None:
        key = table.cursor.selected
        number = table.cursor.source.number_of(key)
        rows = () if number is None else table.cursor.source.rows(number, number + 1)
        found = [row for row in rows if row.key == key]
        if table.panel.NAME != "requests":
            return of_row(found[0], table.all_columns()) if found else []
        fact = app.model.requests.detail(key)
        if fact is None:
            return of_row(found[0], table.all_columns()) if found else []
    return [] if fact is None else of_request(fact)


def of_row(row: Row, columns: tuple[Column, ...]) -> list[Choice]:
    named = [
        (c.name or "note", cell.text.strip()) for c, cell in zip(columns, row.cells, strict=True)
    ]
    line = "  ".join(text for _, text in named if text)
    return [
        Choice("t", "the row as text", line),
        Choice("j", "the row as JSON", msgspec.json.encode(dict(named)).decode()),
        *(Choice("", name, text) for name, text in named if text),
    ]


def of_request(fact: Request) -> list[Choice]:
    """The fact as it is told, the lines that repeat it, and single fields."""
    found = [
        Choice("t", "as text", as_text(fact)),
        Choice(
            "j", "as JSON, the whole fact", encode(fact).decode("ascii", "replace").rstrip("\n")
        ),
    ]
    through = curl_of(fact)
    if through is not None:
        found.append(Choice("c", "a line for curl", through.text))
    for line in lines_of(fact):
        if line.tool != "curl":
            key = {"python3": "p"}.get(line.tool, "r")
            found.append(Choice(key, f"repeat it where it was asked: {line.tool}", line.text))
    fields = {
        "target": fact.target,
        "pid": fact.pid,
        "status": fact.status,
        "client": fact.client,
        "server": fact.server,
    }
    return found + [Choice("", name, str(v)) for name, v in fields.items() if v is not None]


def as_text(fact: Request) -> str:
    pid = "-" if fact.pid is None else f"{fact.pid} ({fact.evidence})"
    took = "-" if fact.duration_ns is None else f"{fact.duration_ns / 1e6:.3f} ms"
    head = f"{fact.at}  {fact.method or '-'} {fact.target or '-'}  {fact.status or '-'}"
    return f"{head}  {took}  pid {pid}  {fact.protocol} {fact.client} -> {fact.server}"


def osc52(text: str, environ: Mapping[str, str]) -> str:
    """The sequence for the terminal that is behind whatever multiplexers say they are there."""
    data = b64encode(text.encode("utf-8", "replace")).decode("ascii")
    sequence = f"\x1b]52;c;{data}\x07"
    if environ.get("TMUX"):
        doubled = sequence.replace("\x1b", "\x1b\x1b")
        return f"{sequence}\x1bPtmux;{doubled}\x1b\\"
    if environ.get("STY"):
        pieces = [sequence[at : at + SCREEN_PIECE] for at in range(0, len(sequence), SCREEN_PIECE)]
        return "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)
    return sequence


def tell_tmux(text: str, environ: Mapping[str, str]) -> bool:
    """Whether tmux took it: into its own buffer, and (-w, since 3.2) onto the clipboard."""
    if not environ.get("TMUX"):
        return False
    try:
        done = subprocess.run(
            ["tmux", "load-buffer", "-w", "-"],
            input=text.encode("utf-8", "replace"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=TMUX_DEADLINE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):  # not installed here, or not listening
        return False
    return done.returncode == 0


def put(app: "Screen", choice: Choice) -> None:
    """On the clipboard, and a word that it is there; or why not."""
    n_bytes = len(choice.text.encode("utf-8", "replace"))
    if n_bytes > MAX_BYTES:
        app.habits.say(f"{n_bytes:,} bytes are too long for a clipboard; export it (w)", "warning")
        return
    if app.is_headless:
        app.habits.copied = choice.text
    elif app._driver is not None:
        app._driver.write(osc52(choice.text, os.environ))
        tell = partial(tell_tmux, choice.text, os.environ)
        app.run_worker(tell, thread=True, group="clipboard", exclusive=True)
    app.habits.say(f"copied: {choice.label}, {n_bytes:,} bytes")
