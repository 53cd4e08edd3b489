"""Makes the captures: real servers, tcpdump beside them, and what client and application saw.

In: names of captures (none: all), as `protocol/name`. Out: `.pcap`, `.txt`, `.truth.json` and the
golden `.jsonl` in the protocol's folder. Run by hand (README.md here says how); needs root.

Every capture is one `Setup`: what serves, what stands before it, and who drives it.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from _client import Drive, Seen, drive, pipeline
from _machine import Capture, Log, free_port, settle
from _servers import TO_PHP, Start, apache, fcgiwrap, gunicorn, lighttpd, nginx, own, php_fpm, uwsgi

HERE = Path(__file__).resolve().parent
MAX_BYTES = 64 * 1024
VERSIONS = {
    "nginx": ["nginx", "-v"],
    "apache": ["apache2", "-v"],
    "lighttpd": ["lighttpd", "-v"],
    "php-fpm": [*map(str, Path("/usr/sbin").glob("php-fpm*")), "-v"],
    "fcgiwrap": ["dpkg-query", "-W", "fcgiwrap"],
    "tcpdump": ["tcpdump", "--version"],
}


@dataclass(frozen=True)
class Setup:
    back: Start
    front: Start | None = None
    drive: Drive = drive


SETUPS = {
    "fastcgi/nginx-uwsgi": Setup(uwsgi("fastcgi-socket"), nginx("fastcgi")),
    "fastcgi/nginx-php-fpm": Setup(php_fpm, nginx("php", "keepalive 2;")),
    "fastcgi/lighttpd-flup": Setup(own("flup-fcgi"), lighttpd("fastcgi")),
    "fastcgi/apache-php-fpm": Setup(php_fpm, apache("fcgi", TO_PHP)),
    "fastcgi/nginx-fcgiwrap": Setup(fcgiwrap, nginx("cgi")),
    "uwsgi/nginx-uwsgi": Setup(uwsgi("uwsgi-socket"), nginx("uwsgi")),
    "uwsgi/nginx-gunicorn": Setup(gunicorn("--protocol", "uwsgi"), nginx("uwsgi")),
    "uwsgi/apache-uwsgi": Setup(uwsgi("uwsgi-socket"), apache("uwsgi")),
    "scgi/nginx-uwsgi": Setup(uwsgi("scgi-socket"), nginx("scgi")),
    "scgi/apache-flup": Setup(own("flup-scgi"), apache("scgi")),
    "ajp/apache-flup": Setup(own("flup-ajp"), apache("ajp")),
    "http/wsgiref": Setup(own("wsgiref")),
    "http/nginx-gunicorn": Setup(gunicorn(), nginx("http", "keepalive 2;")),
    "http/waitress-pipelined": Setup(own("waitress"), drive=pipeline),
    "http/uwsgi": Setup(uwsgi("http11-socket")),
}


def version_of(command: list[str]) -> str:
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return (run.stdout + run.stderr).strip().splitlines()[0]


def versions(name: str) -> Iterable[str]:
    """Of every program whose name is part of the capture's, the kernel and tcpdump."""
    for program, command in VERSIONS.items():
        if program in name or program == "tcpdump":
            yield f"{program}: {version_of(command)}"
    freeze = [sys.executable, "-m", "pip", "list", "--format", "freeze"]
    for line in subprocess.run(freeze, capture_output=True, text=True, check=True).stdout.split():
        package = line.split("==")[0].lower()
        if package.removeprefix("py") in name.split("/")[1]:
            yield line
    yield f"Python {sys.version.split()[0]}; {version_of(['uname', '-sr'])}"


def truth(client: list[Seen], log: Log) -> list[dict[str, object]]:
    """Client and application side by side, by probe."""
    ended = {line["probe"]: line for line in log.lines if line["event"] == "end"}
    return [
        {
            "probe": seen["probe"],
            "client": {k: v for k, v in seen.items() if k != "probe"},
            "app": {k: v for k, v in ended[seen["probe"]].items() if k not in ("probe", "event")},
        }
        for seen in client
    ]


def make(name: str) -> None:
    setup, log = SETUPS[name], Log()
    folder = Path(tempfile.mkdtemp(prefix="gwtop-capture-"))
    folder.chmod(0o755)
    watched, front_port = free_port(), free_port()
    try:
        with ExitStack() as servers:
            servers.enter_context(setup.back(folder, watched, log.port))
            if setup.front is not None:
                servers.enter_context(setup.front(folder, front_port, watched))
            capture = Capture(watched)
            try:
                client = setup.drive(front_port if setup.front else watched, log)
                settle(watched)
            finally:
                pcap = capture.stop()
            write(name, pcap, truth(client, log), watched, capture.command)
    finally:
        shutil.rmtree(folder)


def write(
    name: str, pcap: bytes, lines: list[dict[str, object]], port: int, command: list[str]
) -> None:
    assert len(pcap) < MAX_BYTES, f"{name}: {len(pcap)} bytes"
    base = HERE / name
    base.parent.mkdir(exist_ok=True)
    base.with_suffix(".pcap").write_bytes(pcap)
    rows = ",\n".join(json.dumps(line) for line in lines)
    base.with_suffix(".truth.json").write_text(
        f'{{"port": {port}, "requests": [\n{rows}\n]}}\n', encoding="utf-8"
    )
    text = [
        f"made by: tests/captures/make.py {name}",
        f"captured by: {' '.join(command[:-1])} 'tcp port {port}'",
        *versions(name),
    ]
    base.with_suffix(".txt").write_text("\n".join(text) + "\n", encoding="utf-8")
    print(f"{name}: {len(pcap)} bytes, {len(lines)} requests")


def golden(name: str) -> None:
    """What gwtop reads from it, as a person would ask."""
    file = (HERE / name).with_suffix(".pcap")
    command = [sys.executable, "-m", "gwtop", "read", file.name, "--json", "--details"]
    run = subprocess.run(command, capture_output=True, check=True, cwd=file.parent)
    file.with_suffix(".jsonl").write_bytes(run.stdout)


def main() -> None:
    names = [a for a in sys.argv[1:] if not a.startswith("--")] or sorted(SETUPS)
    for name in names:
        if "--golden" not in sys.argv:
            make(name)
        golden(name)


if __name__ == "__main__":
    main()
