"""CGI (RFC 3875): a process for each request. Variables are its environment, bodies its pipes."""

import os
import subprocess
import sys
from collections.abc import Generator, Iterator

from _sending import sending

PIECE_BYTES = 64 * 1024


def ask(
    script: str, variables: dict[str, str], body: Iterator[bytes] | None
) -> Generator[bytes, None, None]:
    # Of our own environment the script gets the PATH alone (RFC 3875 9.2). What the client sent
    # is bytes, which we hold as latin-1.
    environ = {name.encode(): text.encode("latin-1") for name, text in variables.items()}
    environ[b"PATH"] = os.environb.get(b"PATH", os.defpath.encode())
    # No site, no PYTHON* variables, no user's packages: it starts in half the time.
    argv = [sys.executable, "-S", "-E", "-s", script]
    stdin = subprocess.DEVNULL if body is None else subprocess.PIPE
    with (
        subprocess.Popen(argv, env=environ, stdin=stdin, stdout=subprocess.PIPE, bufsize=0) as it,
        sending(body, lambda piece: _write(it, piece), it.terminate),
    ):
        assert it.stdout is not None
        while piece := it.stdout.read(PIECE_BYTES):
            yield piece


def _write(script: "subprocess.Popen[bytes]", piece: bytes) -> None:
    assert script.stdin is not None
    if not piece:
        return script.stdin.close()  # the script sees the body's end
    while piece:  # a pipe may take less than it was given
        piece = piece[script.stdin.write(piece) :]
