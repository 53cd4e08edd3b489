"""The compiled wheel: GWTOP_MYPYC=1 at build time, a C compiler, and the pure rooms run faster.

In: the sources, an environment variable. Out: nothing at all without it, and the wheel is pure and
runs anywhere; with it, extension modules beside the sources they were made of, and a wheel for one
interpreter and platform. Nothing is written into the checkout, where it would shadow the sources.

mypyc compiles what mypy --strict already accepts, so there is one text for both. The rooms are
those that a packet goes through; the rest waits for descriptors and would gain nothing.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WANTED = "GWTOP_MYPYC"
COMPILED = (
    "gwtop/wire/[!_]*.py",
    "gwtop/protocols/_[!_]*.py",
    "gwtop/protocols/[!_]*.py",
    "gwtop/tracker/*.py",
    "gwtop/nouns/times.py",
    "gwtop/taps/pcap*.py",
)
NEEDED = ["mypy[mypyc]>=1.11", "msgspec>=0.19"]
"""The compiler, and the library whose types the compiled rooms use."""


class MypycHook(BuildHookInterface):  # type: ignore[type-arg]
    """Found by hatchling by its base class (hatch_build.py is the place it looks at)."""

    def dependencies(self) -> list[str]:
        return NEEDED if self._is_wanted() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """`version` "editable": the sources themselves are what is installed."""
        if not self._is_wanted() or version == "editable":
            return
        self._folder = Path(tempfile.mkdtemp(prefix="gwtop-mypyc-"))
        shutil.copytree(
            Path(self.root) / "gwtop",
            self._folder / "gwtop",
            ignore=shutil.ignore_patterns("*.so", "__pycache__"),
        )
        modules = sorted({p for pattern in COMPILED for p in self._folder.glob(pattern)})
        names = [path.relative_to(self._folder).as_posix() for path in modules]
        program = "from mypyc.__main__ import main; main()"
        command = [sys.executable, "-c", program, "--strict", *names]
        done = subprocess.run(command, cwd=self._folder, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"mypyc failed:\n{done.stdout}\n{done.stderr}")
        built = [p for p in self._folder.rglob("*.so") if "build" not in p.parts]
        build_data["force_include"] |= {
            str(path): path.relative_to(self._folder).as_posix() for path in built
        }
        build_data["pure_python"], build_data["infer_tag"] = False, True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if self._is_wanted() and version != "editable":
            shutil.rmtree(self._folder)

    def _is_wanted(self) -> bool:
        return os.environ.get(WANTED) == "1" and self.target_name == "wheel"
