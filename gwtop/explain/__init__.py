"""Pages of `gwtop explain`: one Markdown file a word, and in `notes/` one a note code.

In: a word. Out: its page, or the words that look like it. Knows no page: whoever adds one writes a
file here and touches nothing.
"""

from difflib import get_close_matches
from pathlib import Path

FOLDER = Path(__file__).parent
NOTES = FOLDER / "notes"
MAX_NEAR = 3


def words() -> list[str]:
    """The words that have a page, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.md"))


def codes() -> list[str]:
    """The note codes that have a page, sorted."""
    return sorted(path.stem for path in NOTES.glob("*.md"))


def page(word: str) -> str | None:
    """The page, in whatever case it was asked for. None: there is none."""
    for path in (*FOLDER.glob("*.md"), *NOTES.glob("*.md")):
        if path.stem.lower() == word.lower():
            return path.read_text(encoding="utf-8")
    return None


def near(word: str) -> list[str]:
    """Words and codes that look like this one or contain it, the likeliest first."""
    known = {name.lower(): name for name in (*words(), *codes())}
    asked = word.lower()
    alike = get_close_matches(asked, known, MAX_NEAR)
    alike += [name for name in known if asked and asked in name and name not in alike]
    return [known[name] for name in alike[:MAX_NEAR]]
