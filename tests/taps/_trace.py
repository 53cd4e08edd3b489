"""A trace instance made of a recording: what it gives is in tests/captures/trace.

In: nothing. Out: the formats and pages that a real kernel gave, in the place of `tracefs.Instance`,
through real pipes, so that what waits on them waits as it would.
"""

import base64
import fcntl
import json
import os
from pathlib import Path

from gwtop.taps.tracepages import Format, parse_format

RECORDING = Path(__file__).parents[1] / "captures/trace/loopback.json"


class Recorded:
    """The parts of the recording."""

    def __init__(self) -> None:
        told = json.loads(RECORDING.read_text())
        self.port, self.port6, self.pid = told["port"], told["port6"], told["pid"]
        self.formats: dict[str, str] = told["formats"]
        self.header: str = told["header_page"]
        self.page_bytes: int = told["page_bytes"]
        self.pages = [
            base64.b64decode(page).ljust(self.page_bytes, b"\0") for page in told["pages"]
        ]


class RecordedInstance:
    """Stands for `tracefs.Instance`; pages are put into it, one pipe a CPU."""

    def __init__(self, n_cpus: int = 1) -> None:
        self.recorded = Recorded()
        self.written: list[tuple[str, str]] = []
        self._pipes = [os.pipe() for _ in range(n_cpus)]
        for here, there in self._pipes:
            os.set_blocking(here, False)
            fcntl.fcntl(there, fcntl.F_SETPIPE_SZ, 1 << 20)

    def put(self, page: bytes, cpu: int = 0) -> None:
        os.write(self._pipes[cpu][1], page.ljust(self.recorded.page_bytes, b"\0"))

    def format(self, event: str) -> Format | None:
        text = self.recorded.formats.get(event)
        return None if text is None else parse_format(text)

    def page_header(self) -> Format:
        return parse_format("ID: 0\n" + self.recorded.header)

    def filter(self, event: str, expression: str) -> None:
        self.written.append((event, expression))

    def enable(self, event: str, on: bool = True) -> None:
        self.written.append((event, "on" if on else "off"))

    def open_pipes(self) -> list[int]:
        return [here for here, _ in self._pipes]

    def close(self) -> None:
        for both in self._pipes:
            for end in both:
                os.close(end)
        self._pipes = []
