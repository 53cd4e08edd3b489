"""The standard streams as a shell left them: closed, full, without a reader, or plain ASCII.

In: descriptors 0 to 2. Out: the same, each of them open. It refuses to know what is written.

A descriptor that was closed (`2>&-`) is the number that the next open file gets, and what was meant
for a person would stand in that file. So the null device takes its place before anything is opened.
A sign that the output's encoding lacks becomes "?", for a table with one such is better than none.
"""

import errno
import io
import os
import sys

from gwtop.errors import GwtopError

STANDARD = (0, 1, 2)
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What a write says that has no room, each in its own way."""


def prepare() -> None:
    """Before anything else is opened. Raises GwtopError where nobody could read what is told."""
    for number in STANDARD:
        try:
            os.fstat(number)
        except OSError:  # closed; the next file opened has the lowest free number, which is this
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    if sys.stdout is None:  # so says Python where it was closed at the start
        raise GwtopError("standard output is closed", "let it go somewhere, if only to /dev/null")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def no_room(error: OSError) -> GwtopError:
    """In words, where it is what a full disk says; any other is raised again."""
    if error.errno not in NO_ROOM:
        raise error
    where = error.filename or "what was told"
    remedy = "make room, or let it go elsewhere"
    return GwtopError(f"cannot write {where} ({error.strerror})", remedy)


def discard_output() -> None:
    """What is left unwritten goes nowhere: Python flushes stdout once more when it ends, and would
    complain. An engine may open no file for writing by now; a pipe takes the little there is."""
    os.dup2(os.pipe()[1], STANDARD[1])
