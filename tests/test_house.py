"""The architecture as failing tests: who may import what, who reads clocks, how big things get.

In: the source text of the tree, as syntax trees. Out: a failure that names file, line and rule.
Runs nothing of gwtop (but for the two tests that ask a real interpreter what it loaded).

The numbers in the test names' comments are those of ARCHITECTURE.md's "Never" list; the rest is
house style. If a wall is in the way, change the plan in the same commit, not the wall. Excuses
stand in the tables below, each with its reason, and an excuse that is no longer needed fails.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CODE = sorted((ROOT / "gwtop").rglob("*.py"))
DEMOS = sorted((ROOT / "demos").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
PURE = ("wire", "protocols", "tracker", "model", "panels")
"""Rooms that see only what they are given."""

MAY_IMPORT: dict[str, set[str]] = {
    "nouns": set(),
    "errors": set(),
    "redaction": set(),
    "clock": {"nouns"},
    "taps": {"nouns", "clock", "errors"},
    "wire": {"nouns"},
    "protocols": {"nouns"},
    "tracker": {"nouns", "wire", "protocols", "redaction"},
    "journal": {"nouns", "errors"},
    "config": {"errors", "model", "panels"},
    "engine": {"nouns", "clock", "errors", "taps", "tracker", "journal", "outputs"},
    "model": {"nouns"},
    "panels": {"nouns", "model"},
    "outputs": {"nouns", "errors", "journal", "model", "panels", "redaction", "protocols"},
    "tui": {"nouns", "clock", "errors", "journal", "model", "panels"}
    | {"layers", "explain", "config", "outputs"},
    "layers": set(),
    "explain": set(),
    "demos": {"nouns", "clock", "errors"},
    "load": {"nouns", "clock", "errors"},
    "compare": {"nouns", "clock", "errors", "taps", "demos", "load"},
    "janitor": {"nouns", "clock", "errors"},
    "doctor": {"nouns", "clock", "errors", "taps", "demos"},
    "listening": {"nouns", "taps", "protocols"},
    "merge": {"nouns", "journal", "errors"},
    "recent": {"nouns", "clock"},
    "cli": {"*"},
    "__main__": {"cli", "errors"},
    "__init__": set(),
}
"""Room: the rooms it may import besides itself (the table of ARCHITECTURE.md)."""

THIRD_PARTY: dict[str, set[str]] = {
    "nouns": {"msgspec"},
    "journal": {"msgspec"},
    "model": {"msgspec"},
    "taps/census": {"psutil"},
    "taps/libpcap": {"scapy"},
    "outputs": {"msgspec", "rich", "prometheus_client", "opentelemetry", "pyarrow"},
    "tui": {"msgspec", "rich", "textual", "plotext"},
    "layers": {"scapy"},
    "load": {"aiohttp"},
    "recent": {"msgspec"},
    "cli": {"click", "msgspec", "rich"},
}
"""Room or file: the libraries it may import."""

LAZY = {"rich": "tui", "textual": "tui", "scapy": "layers", "aiohttp": "", "plotext": ""}
"""Library that costs 100 ms or more: the only room that may import it at the top of a file."""

LONG_FILES: dict[str, str] = {}
LONG_FUNCTIONS: dict[str, str] = {}
BROAD_EXCEPTS: dict[str, str] = {
    "gwtop/engine.py": "the loop: a defect becomes one line and exit status 1, not a traceback",
    "gwtop/tui/app.py": "the top: the terminal is given back before anything is said",
}
PROTOCOL_NAMED: dict[str, str] = {}
WITHOUT_CAPTURE: dict[str, str] = {}
"""Path (with "::function") or protocol: why the wall does not stand there."""


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes(tree: ast.Module) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree))


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def room_of(path: Path) -> str:
    first = path.relative_to(ROOT / "gwtop").parts[0]
    return first.removesuffix(".py")


def inside_function(tree: ast.Module) -> set[ast.AST]:
    functions = (n for n in nodes(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    return {inner for function in functions for inner in ast.walk(function)}


def for_types_only(tree: ast.Module) -> set[ast.AST]:
    guards = (
        n
        for n in nodes(tree)
        if isinstance(n, ast.If)
        and "TYPE_CHECKING" in (getattr(n.test, "id", ""), getattr(n.test, "attr", ""))
    )
    return {inner for guard in guards for inner in ast.walk(guard)}


def imports(tree: ast.Module) -> Iterator[tuple[ast.stmt, str]]:
    """Every import statement with each full name that it could bind a module by."""
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import at line {node.lineno}"
            yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)


def text_constants(tree: ast.Module) -> Iterator[ast.Constant]:
    """String constants that are no docstring and no field documentation."""
    prose = {id(n.value) for n in nodes(tree) if isinstance(n, ast.Expr)}
    for node in nodes(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node


def each(paths: list[Path]) -> Callable[[Callable[[Path], None]], Callable[[], None]]:
    """One test that holds every file to a rule, and names all that break it."""

    def decorate(check: Callable[[Path], None]) -> Callable[[], None]:
        def test() -> None:
            assert paths
            broken = list(filter(None, (_broken(check, path) for path in paths)))
            assert not broken, "\n".join(["", *broken])

        test.__name__ = check.__name__
        return test

    return decorate


def _broken(check: Callable[[Path], None], path: Path) -> str:
    try:
        check(path)
    except AssertionError as rule:
        return f"{short(path)}: {str(rule).splitlines()[0]}"
    return ""


def protocol_names() -> list[str]:
    files = (ROOT / "gwtop/protocols").glob("*.py")
    return sorted(f.stem for f in files if not f.stem.startswith("_"))


def target_of(node: ast.Assign | ast.AnnAssign) -> str:
    return ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)


@cache
def wire_names() -> frozenset[str]:
    """What the protocols call themselves: the values of their NAME constants."""
    names = set()
    for path in (ROOT / "gwtop/protocols").glob("*.py"):
        for node in tree_of(path).body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and target_of(node) == "NAME":
                names.add(str(getattr(node.value, "value", None)))
    return frozenset(names)


@each([p for p in CODE if room_of(p) in PURE])
def test_pure_rooms_import_nothing_that_touches_the_machine(path: Path) -> None:  # 1
    machine = {"socket", "os", "time", "threading", "asyncio", "logging", "subprocess", "select"}
    machine |= {"scapy", "psutil", "rich", "textual", "signal", "pathlib", "tempfile"}
    bad = [name for _, name in imports(tree_of(path)) if name.split(".")[0] in machine]
    assert not bad


@each(CODE)
def test_a_room_imports_only_what_the_plan_lets_it(path: Path) -> None:  # 3 4 6 7
    room = room_of(path)
    assert room in MAY_IMPORT, f"{room} has no line in the plan's table of rooms"
    allowed = MAY_IMPORT[room] | {room}
    typing_only = for_types_only(tree_of(path))
    for node, name in imports(tree_of(path)):
        parts = name.split(".")
        if parts[0] == "gwtop" and len(parts) > 1 and parts[1] != "__version__":
            assert "*" in allowed or parts[1] in allowed, f"line {node.lineno}: {name}"
        elif parts[0] not in sys.stdlib_module_names and parts[0] != "gwtop":
            libraries = THIRD_PARTY.get(room, set()) | THIRD_PARTY.get(
                short(path).removeprefix("gwtop/").removesuffix(".py"), set()
            )
            assert parts[0] in libraries or node in typing_only, f"line {node.lineno}: {name}"


@each(CODE)
def test_costly_imports_stand_inside_the_function_that_needs_them(path: Path) -> None:  # 3
    tree = tree_of(path)
    lazy = inside_function(tree) | for_types_only(tree)
    for node, name in imports(tree):
        library = name.split(".")[0]
        if library in LAZY and room_of(path) != LAZY[library]:
            assert node in lazy, f"line {node.lineno}: {name} at the top"
        if name.startswith("gwtop.tui") and room_of(path) != "tui":
            assert room_of(path) == "cli" and node in lazy, f"line {node.lineno}: {name}"


@each([p for p in CODE if room_of(p) not in ("clock", "load")])
def test_only_the_clock_reads_a_clock_and_nobody_sleeps(path: Path) -> None:  # 2
    for node, name in imports(tree_of(path)):
        assert name.split(".")[0] != "time", f"line {node.lineno}: {name}"
    clocks = {"now", "utcnow", "today", "sleep", "times", "clock_gettime", "clock_gettime_ns"}
    for node in nodes(tree_of(path)):
        if isinstance(node, ast.Attribute) and node.attr in clocks:
            assert ast.unparse(node) == "clock.now", f"line {node.lineno}: {ast.unparse(node)}"


@each(TESTS)
def test_no_test_sleeps(path: Path) -> None:
    called = [n.func for n in nodes(tree_of(path)) if isinstance(n, ast.Call)]
    slept = [f.lineno for f in called if "sleep" in (getattr(f, "attr", ""), getattr(f, "id", ""))]
    assert not slept


@each([p for p in TESTS if not {"live", "bench", "captures"} & set(p.parts)])
def test_no_test_reads_a_clock(path: Path) -> None:
    assert not [name for _, name in imports(tree_of(path)) if name.split(".")[0] == "time"]


@each([p for p in CODE if room_of(p) not in ("protocols", "layers", "explain")])
def test_no_protocol_is_named_outside_its_rooms(path: Path) -> None:  # 5
    tree, names = tree_of(path), wire_names()
    loud = re.compile("|".join(sorted(names - {"http"}) or ["fastcgi"]), re.IGNORECASE)
    said = [c.lineno for c in text_constants(tree) if c.value in names or loud.search(str(c.value))]
    for node in nodes(tree):
        name = getattr(node, "id", None) or getattr(node, "attr", None) or getattr(node, "name", "")
        if isinstance(name, str) and loud.search(name):
            said.append(getattr(node, "lineno", 0))
    assert not said or short(path) in PROTOCOL_NAMED


def test_a_demo_is_a_witness_and_not_an_accomplice() -> None:  # 7
    for path in DEMOS:
        assert not [n for _, n in imports(tree_of(path)) if n.split(".")[0] == "gwtop"], path
    for path in CODE:
        found = [n for _, n in imports(tree_of(path)) if n.split(".")[0] in ("demos", "_demos")]
        assert not found, path


CHANGES = {"append", "extend", "insert", "update", "add", "setdefault", "pop", "popitem"}
CHANGES |= {"clear", "remove", "discard", "appendleft", "popleft", "sort", "reverse"}
CONTAINERS = {"list", "dict", "set", "defaultdict", "deque", "Counter", "OrderedDict", "bytearray"}


def is_container(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Call):
        return ast.unparse(value.func).split(".")[-1] in CONTAINERS
    kinds = ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp
    return isinstance(value, kinds)


@each(CODE)
def test_no_module_holds_state_that_changes(path: Path) -> None:  # 8
    for node in tree_of(path).body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and is_container(node.value):
            name = target_of(node)
            assert name.isupper() or name == "__all__", f"line {node.lineno}: {name}"
    for inner in nodes(tree_of(path)):
        assert not isinstance(inner, ast.Global), f"line {inner.lineno}: global"
        changed = _changed_name(inner)
        assert not changed.isupper(), f"{changed} is a constant, and is changed"


def _changed_name(node: ast.AST) -> str:
    """The plain name whose container this node changes; "" when it changes none."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr in CHANGES and isinstance(node.func.value, ast.Name):
            return node.func.value.id
    elif isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
        return node.value.id if isinstance(node.value, ast.Name) else ""
    return ""


@each(CODE)
def test_importing_a_module_does_nothing(path: Path) -> None:  # 8
    done = [
        ast.unparse(node)
        for node in tree_of(path).body
        if isinstance(node, ast.Expr | ast.For | ast.While | ast.With)
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    ]
    assert not done


def test_no_total_without_its_loss_and_no_pid_without_its_evidence() -> None:  # 9
    facts = tree_of(ROOT / "gwtop/nouns/facts.py")
    fields = {
        node.name: {s.target.id for s in node.body if isinstance(s, ast.AnnAssign)}
        for node in facts.body
        if isinstance(node, ast.ClassDef)
    }
    assert "missed" in fields["Tick"] and "missed" in fields["Summary"]
    assert {"pid", "evidence", "lost_bytes"} <= fields["Request"]
    assert {"frames", "process_events", "bytes", "requests"} == fields["Missing"]


@each(CODE + DEMOS + TESTS)
def test_a_file_is_one_idea_and_says_which(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").count("\n")
    assert (lines > 400) == (short(path) in LONG_FILES), f"{lines} lines"
    assert ast.get_docstring(tree_of(path)), "a module opens with what comes in and what goes out"


@each(CODE + DEMOS + TESTS)
def test_a_function_fits_on_a_screen(path: Path) -> None:
    for node in nodes(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            n_lines = (node.end_lineno or 0) - node.lineno + 1
            excused = f"{short(path)}::{node.name}" in LONG_FUNCTIONS
            assert (n_lines > 60) == excused, f"{node.name}: {n_lines} lines"


@each(CODE + DEMOS + TESTS)
def test_errors_are_caught_by_name(path: Path) -> None:
    caught = [n for n in nodes(tree_of(path)) if isinstance(n, ast.ExceptHandler)]
    kinds = [("" if n.type is None else ast.unparse(n.type)) for n in caught]
    broad = [k for k in kinds if k in ("", "Exception", "BaseException")]
    assert len(broad) <= (short(path) in BROAD_EXCEPTS)


@each(CODE)
def test_types_are_said_and_bytes_are_never_thrown_away(path: Path) -> None:
    tree = tree_of(path)
    if room_of(path) not in ("tui", "layers") and path.stem != "libpcap":
        assert "typing.Any" not in [name for _, name in imports(tree)]
    for node in nodes(tree):
        if isinstance(node, ast.Call):
            given = [*node.args, *(k.value for k in node.keywords)]
            thrown = [g for g in given if isinstance(g, ast.Constant) and g.value == "ignore"]
            assert not thrown, f"line {node.lineno}: 'ignore'"


@each([p for p in CODE if room_of(p) not in ("engine", "cli")])
def test_the_facts_are_the_log(path: Path) -> None:
    assert not [n for _, n in imports(tree_of(path)) if n.split(".")[0] == "logging"]


OTHERS = [ROOT / n for n in ("README.md", "CHANGELOG.md", "pyproject.toml", "tests/run", ".ci/run")]


@each([*CODE, *DEMOS, *TESTS, *OTHERS])
def test_no_path_of_one_machine_and_nothing_left_to_do(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    homes = "|".join(("work", "home", "root", "Users"))
    assert not re.findall(rf"(?<![\w./])/(?:{homes})/\w+", text)
    assert not re.findall("|".join(("TO" + "DO", "FIX" + "ME", r"\bX" + r"XX\b")), text)


@each([p for p in CODE if room_of(p) in PURE])
def test_a_pure_file_has_a_test_file_of_its_name(path: Path) -> None:
    folder = ROOT / "tests" / path.relative_to(ROOT / "gwtop").parent
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    if path.stem != "__init__":
        # A private file that a public one was split into may be held by that one's tests.
        whole, part_of = path.stem.strip("_"), path.stem.strip("_").split("_")[0]
        names = {whole, part_of} if path.stem.startswith("_") else {whole}
        by_name = any((folder / f"test_{name}.py").exists() for name in names)
        assert by_name or any(module in f.read_text("utf-8") for f in folder.glob("test_*.py"))
    elif len(tree_of(path).body) > 1:
        assert {"test_init.py", f"test_{room_of(path)}.py"} & {p.name for p in folder.glob("*.py")}


@pytest.mark.parametrize("stem", protocol_names())
def test_a_protocol_has_a_capture_a_demo_and_a_layer(stem: str) -> None:
    captures = list((ROOT / "tests/captures" / stem.removesuffix("1")).glob("*.pcap*"))
    assert bool(captures) != (stem in WITHOUT_CAPTURE)
    names = wire_names()
    shown = {c.value for demo in DEMOS for c in text_constants(tree_of(demo)) if c.value in names}
    assert stem.removesuffix("1") in shown, "no demo says that it speaks it"
    layer = ROOT / f"gwtop/layers/{stem}.py"
    assert layer.exists() or stem == "http1", "scapy has HTTP, and none of the others"


def test_every_excuse_names_something_that_exists() -> None:
    excused = [*LONG_FILES, *LONG_FUNCTIONS, *BROAD_EXCEPTS, *PROTOCOL_NAMED]
    assert all((ROOT / name.split("::")[0]).exists() for name in excused)
    assert set(WITHOUT_CAPTURE) <= set(protocol_names())
