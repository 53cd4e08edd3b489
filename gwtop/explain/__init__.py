"""Pages of `gwtop explain`: one Markdown file a word, and in `notes/` one a note code.

In: a word. Out: its page, or the words that look like it. Knows no page: whoever adds one writes a
file here and touches nothing. A page of a word begins with its names, "AJP, servlet: ..."; the
file's own name says nothing, for uwsgi and uWSGI would be one file on some machines.
"""

from difflib import get_close_matches
from pathlib import Path

FOLDER = Path(__file__).parent
NOTES = FOLDER / "notes"
MAX_NEAR = 3
BEGIN = """\
gwtop explain WORD         a page: what it is, where it sits, what it fixed and what that cost
gwtop explain WORD WORD    several side by side: gwtop explain uwsgi uWSGI WSGI
gwtop explain CODE         what a note means and what to do; on the screen: e

To begin with: gwtop explain gateway
"""
"""How to ask, for whoever asked for nothing."""


def words() -> list[str]:
    """The words that have a page, sorted without regard to case."""
    return sorted(_pages(), key=lambda name: (name.lower(), name))


def codes() -> list[str]:
    """The note codes that have a page, sorted."""
    return sorted(path.stem for path in NOTES.glob("*.md"))


def page(word: str) -> str | None:
    """The page, in whatever case it was asked for; the one of just this case where several words
    differ by it alone. None: there is none."""
    pages = _files()
    names = [word, *(name for name in sorted(pages)[::-1] if name.lower() == word.lower())]
    found = next((pages[name] for name in names if name in pages), None)
    return None if found is None else found.read_text(encoding="utf-8")


def titles() -> list[tuple[str, str]]:
    """Every word and every code, words first, each with the first line of its page."""
    return [(name, _title(text)) for name, text in _texts()]


def search(wanted: str) -> list[tuple[str, str]]:
    """Those of `titles` whose name has the text in it, and then those whose page has."""
    asked, every = wanted.strip().lower(), _texts()
    named = [(name, _title(text)) for name, text in every if asked in name.lower()]
    inside = [
        (name, _title(text))
        for name, text in every
        if asked not in name.lower() and asked in " ".join(text.lower().split())
    ]
    return named + inside


def _texts() -> list[tuple[str, str]]:
    files = _files()
    return [(name, files[name].read_text(encoding="utf-8")) for name in (*words(), *codes())]


def _title(text: str) -> str:
    return text.partition("\n")[0].partition(": ")[2]


def _files() -> dict[str, Path]:
    return _pages() | {path.stem: path for path in NOTES.glob("*.md")}


def _pages() -> dict[str, Path]:
    """Each word's file."""
    found: dict[str, Path] = {}
    for path in FOLDER.glob("*.md"):
        with path.open(encoding="utf-8") as lines:
            names = lines.readline().partition(":")[0]
        found |= dict.fromkeys(names.split(", "), path)
    return found


def near(word: str) -> list[str]:
    """Words and codes that look like this one or contain it, the likeliest first."""
    known = {name.lower(): name for name in (*words(), *codes())}
    asked = word.lower()
    alike = get_close_matches(asked, known, MAX_NEAR)
    alike += [name for name in known if asked and asked in name and name not in alike]
    return [known[name] for name in alike[:MAX_NEAR]]
