"""The pictures of the README: real demos, watched by a real engine, as a person sees them.

    python -m tests.pictures [NAME ...]

In: the demos that are installed. Out: `docs/pictures/NAME.svg`, and a line for each with its size.
Nothing is drawn for the picture: a demo is started, load is driven at it, the screen runs without
a terminal, a few keys are pressed, and what then stands on the screen is kept.

Textual's own export places each piece of text by a clip of its own (140 KB for such a screen) and
names fonts to be loaded, which a picture in a web page may not do. This one writes a line of text
for a line of cells, each change of colour with its place, in whatever fixed font there is.
"""

import asyncio
import subprocess
import sys
from html import escape
from pathlib import Path
from typing import NamedTuple

from rich.cells import cell_len
from rich.color import Color
from rich.style import Style
from rich.terminal_theme import DIMMED_MONOKAI
from textual.pilot import Pilot
from textual.strip import Strip

from gwtop.config import Config
from gwtop.tui.app import Screen
from gwtop.tui.intake import Intake

FOLDER = Path(__file__).parent.parent / "docs" / "pictures"
MAX_BYTES = 64 * 1024
FONTS = "ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace"
TEXT, GROUND = "#d7dadf", "#14181d"
"""Those of the theme "dark"."""
CELL_W, CELL_H, BASE, MARGIN = 8.4, 18, 14, 10
LOOK_S = 0.2
DEADLINE_LOOKS = 300


class Picture(NamedTuple):
    demo: str
    options: tuple[str, ...]
    n_requests: int
    """Seen before the keys are pressed."""
    keys: tuple[str, ...]
    size: tuple[int, int] = (120, 36)


PICTURES = {
    "pool": Picture("uwsgi", ("--rate", "12", "--workers", "3", "--concurrency", "6"), 150, ()),
    "cgi": Picture("cgi", ("--rate", "6"), 70, ()),
    "request": Picture(
        "fastcgi-php", ("--rate", "8"), 60, ("2", "up", "up", "enter", "tab", "z", "r")
    ),
    "lifelines": Picture("cgi", ("--rate", "6"), 70, ("l",), (120, 28)),
}


def drawn(app: Screen, title: str) -> str:
    """The screen's cells: a line of text each, a rectangle where there is another ground."""
    classes: dict[str, str] = {}
    rows, grounds = [], []
    for y, strip in enumerate(app.screen._compositor.render_strips(app.size)):
        x, spans = 0, []
        for text, look in merged(strip):
            n_cells = cell_len(text)
            front, back = colours(look)
            if back != GROUND:
                place = f'x="{x * CELL_W:g}" y="{y * CELL_H}" width="{n_cells * CELL_W:g}"'
                grounds.append(f'<rect {place} height="{CELL_H}" fill="{back}"/>')
            if text.strip():
                name = classes.setdefault(f"{front}{' b' * bool(look.bold)}", f"c{len(classes)}")
                lead = len(text) - len(text.lstrip(" "))
                at = f"{(x + lead) * CELL_W:g}"
                spans.append(f'<tspan x="{at}" class="{name}">{escape(text.strip(" "))}</tspan>')
            x += n_cells
        rows.append(f'<text y="{y * CELL_H + BASE}">{"".join(spans)}</text>')
    width, height = app.size.width * CELL_W + 2 * MARGIN, app.size.height * CELL_H + 2 * MARGIN
    rules = "".join(_rule(look, name) for look, name in classes.items())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}">'
        f"<title>{escape(title)}</title><style>text{{font:{CELL_H - 4}px {FONTS};"
        f"white-space:pre}}{rules}</style>"
        f'<rect width="100%" height="100%" rx="6" fill="{GROUND}"/>'
        f'<g transform="translate({MARGIN} {MARGIN})">'
        + "\n".join([*grounds, *rows])
        + "</g></svg>\n"
    )


def _rule(look: str, name: str) -> str:
    front, *bold = look.split(" ")
    return f".{name}{{fill:{front}{';font-weight:bold' if bold else ''}}}"


def merged(strip: Strip) -> list[tuple[str, Style]]:
    """Neighbours that look the same, as one."""
    found: list[tuple[str, Style]] = []
    for segment in strip:
        look = segment.style or Style.null()
        if found and colours(found[-1][1]) == colours(look) and found[-1][1].bold == look.bold:
            found[-1] = found[-1][0] + segment.text, look
        else:
            found.append((segment.text, look))
    return found


def colours(look: Style) -> tuple[str, str]:
    front = TEXT if look.color is None or look.color.is_default else _hex(look.color)
    back = GROUND if look.bgcolor is None or look.bgcolor.is_default else _hex(look.bgcolor)
    return (back, front) if look.reverse else (front, back)


def _hex(colour: Color) -> str:
    return colour.get_truecolor(DIMMED_MONOKAI).hex


async def seen(app: Screen, pilot: Pilot[int], n_requests: int) -> None:
    for _ in range(DEADLINE_LOOKS):
        if app.model.requests.n_told >= n_requests or app.feed.has_ended:
            return
        await pilot.pause(LOOK_S)
    raise SystemExit(f"only {app.model.requests.n_told} requests were seen")


async def taken(picture: Picture) -> str:
    command = [sys.executable, "-m", "gwtop", "demo", picture.demo, *picture.options]
    engine = subprocess.Popen(
        [*command, "--json", "--wishes", "--details", "--bodies", "4000"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert engine.stdout is not None and engine.stdin is not None
    try:
        app = Screen(
            Intake(engine.stdout.fileno(), None),
            engine.stdin,  # type: ignore[arg-type]  # Popen types its pipes as IO[bytes]
            title=f"demo {picture.demo}",
            config=Config(theme="dark"),
        )
        async with app.run_test(size=picture.size) as pilot:
            await seen(app, pilot, picture.n_requests)
            await pilot.press(*picture.keys)
            await pilot.pause(2 * LOOK_S)
            await pilot.pause()
            return drawn(app, f"gwtop demo {picture.demo}")
    finally:
        engine.terminate()
        engine.wait()


def main(names: list[str]) -> None:
    if unknown := sorted(set(names) - PICTURES.keys()):
        sys.exit(f"pictures: no {', '.join(unknown)}; there are {', '.join(PICTURES)}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in names or list(PICTURES):
        svg = asyncio.run(taken(PICTURES[name]))
        path = FOLDER / f"{name}.svg"
        path.write_text(svg, encoding="utf-8")
        n_bytes = path.stat().st_size
        print(f"{path.name}: {n_bytes:,} bytes" + ("  TOO LARGE" if n_bytes > MAX_BYTES else ""))


if __name__ == "__main__":
    main(sys.argv[1:])
