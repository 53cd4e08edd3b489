"""The wheel: what is in it, and that it works away from the checkout.

In: the tree, built by hatchling. Out: a failure that says what is missing. Runs the installed
package in a real interpreter, from a directory that has nothing to do with the sources.
"""

import os
import subprocess
import sys
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with gwtop and nothing else; what it needs comes from this interpreter."""
    folder = tmp_path_factory.mktemp("installed")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*install, "--target", str(folder), str(wheel)], check=True)
    return folder


def run(installed: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=installed.parent,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def test_every_source_and_every_demo_is_in_the_wheel(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    sources = [p.relative_to(ROOT).as_posix() for p in (ROOT / "gwtop").rglob("*.py")]
    demos = [f"gwtop/_demos/{p.name}" for p in (ROOT / "demos").glob("*.py")]
    assert demos
    assert not {*sources, *demos} - names


def test_no_rubbish_and_no_test_is_in_the_wheel(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert not [n for n in names if "__pycache__" in n or n.startswith("tests/")]


def test_the_licence_is_said_and_travels_along(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (metadata,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
    said = message_from_string(archive.read(metadata).decode())
    assert said["License-Expression"] == "GPL-2.0-or-later"
    (text,) = (n for n in archive.namelist() if n.endswith("/licenses/LICENSE"))
    assert b"GNU GENERAL PUBLIC LICENSE" in archive.read(text)
    assert b"Version 2, June 1991" in archive.read(text)


def test_it_runs_from_any_directory(installed: Path) -> None:
    said = run(installed, "-c", "import gwtop; print(gwtop.__file__)")
    assert said.stdout.startswith(str(installed))
    version = run(installed, "-m", "gwtop", "--version")
    assert (version.returncode, version.stderr) == (0, "")
    assert version.stdout.strip().endswith("0.1.0")


def test_the_demos_are_found_in_an_install(installed: Path) -> None:
    listed = run(installed, "-m", "gwtop", "demo")
    assert listed.returncode == 0, listed.stderr
    for program in (ROOT / "demos").glob("demo_*.py"):
        assert f"gwtop demo {program.stem.removeprefix('demo_')}" in listed.stdout


def test_a_capture_is_read_by_an_install(installed: Path) -> None:
    capture = ROOT / "tests/captures/fastcgi/nginx-php-fpm.pcap"
    read = run(installed, "-m", "gwtop", "read", str(capture), "--json")
    assert read.returncode == 0, read.stderr
    assert read.stdout.count('"type":"request"') == 15
