"""Makes the captures of notes: real servers, and clients that provoke each remark.

In: names of scenes (none: all). Out: `notes/NAME.pcap.gz`, `.txt` and the golden `.jsonl`; with
`--into=FOLDER` they go there instead (the live test). `--golden`: only the `.jsonl`. Run as root.
`tests/test_notes.py` says which remarks each request must have earned.
"""

import gzip
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from _machine import Capture, free_port, settle
from _scenes import SCENES
from _stage import Scene, Stage
from make import versions

HERE = Path(__file__).resolve().parent / "notes"
MAX_BYTES = 8 * 1024


def make(name: str, scene: Scene, into: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="gwtop-notes-"))
    folder.chmod(0o755)
    for program in ("app.py", "app.php"):
        shutil.copy(HERE / program, folder)
    try:
        with ExitStack() as servers:
            stage = Stage(folder, free_port(), free_port())
            if scene.back is not None:
                servers.enter_context(scene.back(folder, stage.port, 0))
            if scene.front is not None:
                servers.enter_context(scene.front(folder, stage.front_port, stage.port))
            capture = Capture(stage.port)
            try:
                scene.act(stage)
                settle(stage.port)
            finally:
                pcap = capture.stop()
        write(into / name, scene, pcap, stage.port)
    finally:
        shutil.rmtree(folder)


def write(base: Path, scene: Scene, pcap: bytes, port: int) -> None:
    name = base.name
    packed = gzip.compress(pcap, mtime=0)
    assert len(packed) < MAX_BYTES, f"{name}: {len(packed)} bytes"
    base.with_suffix(".pcap.gz").write_bytes(packed)
    text = [
        f"made by: tests/captures/make_notes.py {name}",
        f"what: {scene.what}",
        f"captured by: tcpdump -i lo -U --immediate-mode 'tcp port {port}'",
        *versions(f"notes/{name}"),
    ]
    base.with_suffix(".txt").write_text("\n".join(text) + "\n", encoding="utf-8")
    print(f"{name}: {len(packed)} bytes packed, {len(pcap)} plain")


def golden(name: str, into: Path) -> None:
    command = [sys.executable, "-m", "gwtop", "read", f"{name}.pcap.gz", "--json"]
    run = subprocess.run(command, capture_output=True, check=True, cwd=into)
    (into / f"{name}.jsonl").write_bytes(run.stdout)


def main() -> None:
    chosen = [a.removeprefix("--into=") for a in sys.argv[1:] if a.startswith("--into=")]
    into = Path(chosen[0]).resolve() if chosen else HERE
    for name in [a for a in sys.argv[1:] if not a.startswith("--")] or sorted(SCENES):
        if "--golden" not in sys.argv:
            make(name, SCENES[name], into)
        golden(name, into)


if __name__ == "__main__":
    main()
