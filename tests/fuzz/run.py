"""Runs one fuzz target under atheris: `run.py TARGET [libFuzzer's own flags] [CORPUS ...]`.

In: a target's name. Out: libFuzzer's words on stderr, and a crash-* file for what it found.
tests/fuzz/README.md says how to get atheris and what to do with a finding.
"""

import sys
from pathlib import Path


def main() -> None:
    sys.path.insert(0, str(Path(__file__).parents[2]))
    import atheris  # not among the suite's requirements: it brings its own libFuzzer

    with atheris.instrument_imports(include=["gwtop"]):
        from tests.fuzz.targets import targets

        found = targets()  # inside: it is what imports the decoders
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in found:
        sys.exit(f"which target? {' '.join(found)}")
    target = found[name]

    def one_input(data: bytes) -> None:
        target(data)

    atheris.Setup([sys.argv[0], *sys.argv[2:]], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
