"""Pages: every code that gwtop can say has one, every page is of a code, and they can be found.

In: the source text of gwtop, as syntax trees, and the pages. Out: the code without a page, or the
page that nobody needs.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from gwtop.cli.explain import explain
from gwtop.errors import GwtopError
from gwtop.explain import FOLDER, NOTES, codes, near, page, words

CODE = sorted(FOLDER.parent.rglob("*.py"))
CODE_AT = {"Remark": 1, "Observed": 1, "Note": 1, "_note": 0}
"""Where among the arguments of these the code of a note stands."""
KEBAB = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)+")
MAX_LINE = 110
MAX_LINES = 20


def strings(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def codes_of(text: str) -> set[str]:
    """The codes that this file can say. Where one is a variable that is no parameter, every string
    of the file that looks like a code is one: a false one shows as a page that is missing."""
    tree, found = ast.parse(text), set[str]()
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    given = {a.arg for f in ast.walk(tree) if isinstance(f, functions) for a in f.args.args}
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = getattr(call.func, "id", getattr(call.func, "attr", ""))
        if len(call.args) <= CODE_AT.get(name, len(call.args)):
            continue
        argument = call.args[CODE_AT[name]]
        if isinstance(argument, ast.Call):
            continue
        found |= set(strings(argument))
        if isinstance(argument, ast.Name) and argument.id not in given:
            found |= {said for said in strings(tree) if KEBAB.fullmatch(said)}
    return found


def said_codes() -> set[str]:
    return set().union(*(codes_of(path.read_text(encoding="utf-8")) for path in CODE))


def test_codes_are_found_in_calls_in_choices_and_in_tables() -> None:
    source = """
def tell(given):
    Remark(None, "one-code", "info", "")
    Remark(None, "two" if given else "three", "info", "")
    self._note("four-code", "warn", "")
    Observed(at, given, "warn", "")
"""
    table = "CODES = {1: ('in-a-table', 'a text')}\ncode = CODES[1]\nRemark(0, code, 'info', '')"
    assert codes_of(source) == {"one-code", "two", "three", "four-code"}
    assert codes_of(table) == {"in-a-table"}


def test_every_code_has_a_page_and_every_page_is_of_a_code() -> None:
    said = said_codes()
    assert len(said) > 40
    assert said - set(codes()) == set(), "codes without a page"
    assert set(codes()) - said == set(), "pages that nobody needs"


@pytest.mark.parametrize("code", codes())
def test_a_page_begins_with_its_code_and_severity_and_says_what_to_do(code: str) -> None:
    text = (NOTES / f"{code}.md").read_text(encoding="utf-8")
    assert re.match(rf"{code} \((?:info|warn|error)\b[^)]*\): [^\n]+", text)
    lines = text.splitlines()
    assert len(lines) <= MAX_LINES and max(map(len, lines)) <= MAX_LINE
    unwired = ("engine-failed", "unknown-link")
    assert "\nDo: " in text or code in unwired, "what is one to do?"


def severities_of(path: Path) -> Iterator[tuple[str, str]]:
    """Code and severity of the calls where both are written out."""
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(call, ast.Call):
            at = CODE_AT.get(getattr(call.func, "id", getattr(call.func, "attr", "")))
            if (
                at is not None
                and len(call.args) > at + 1
                and not isinstance(call.args[at], ast.Call)
            ):
                for code in strings(call.args[at]):
                    for severity in strings(call.args[at + 1]):
                        yield code, severity


def test_a_page_names_each_severity_that_its_code_is_said_with() -> None:
    for path in CODE:
        for code, severity in severities_of(path):
            head = (page(code) or "").partition("):")[0]
            assert severity in head, f"{code} is said with {severity} in {path.name}"


def test_words_and_codes_do_not_share_a_name() -> None:
    assert not {word.lower() for word in words()} & set(codes())


@pytest.mark.parametrize("asked", ["no-empty-stdout", "NO-EMPTY-STDOUT", "FastCGI", "fastcgi"])
def test_a_page_is_printed_in_whatever_case_it_is_asked_for(asked: str) -> None:
    run = CliRunner().invoke(explain, [asked])
    assert run.exit_code == 0 and run.output == (page(asked) or "").rstrip() + "\n"


def test_without_a_word_all_are_listed() -> None:
    listed = CliRunner().invoke(explain, []).output.splitlines()
    assert listed == [*words(), "", *codes()]


@pytest.mark.parametrize(
    ("asked", "likeliest"),
    [
        ("no-empty-stdot", "no-empty-stdout"),
        ("bigendian", "size-big-endian"),
        ("fastgci", "FastCGI"),
        ("overloaded", "fcgi-overloaded"),
    ],
)
def test_an_unknown_word_names_those_that_look_like_it(asked: str, likeliest: str) -> None:
    assert likeliest in near(asked)
    run = CliRunner().invoke(explain, [asked], standalone_mode=False)
    assert isinstance(run.exception, GwtopError)
    assert likeliest in run.exception.remedy
    assert "did you mean" in run.exception.remedy


def test_a_word_that_looks_like_nothing_gets_the_words() -> None:
    run = CliRunner().invoke(explain, ["knights"], standalone_mode=False)
    assert isinstance(run.exception, GwtopError)
    assert "there are CGI, " in run.exception.remedy
