"""The end of whoever started us for itself is ours, at any moment of our life.

In: nothing. Out: nothing, or no return. It refuses to know who that is.

An engine that runs ends when its pipes do, in order. One that is still opening its taps looks at
no pipe, and on a busy machine that takes seconds: what it had planted by then would outlive a
killed screen for as long. So the kernel sends SIGTERM, which at that time ends us at once, and the
janitor cleans. Elsewhere than on Linux there is nothing to be planted.
"""

import ctypes
import select
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h
EXIT_OF_SIGNAL = 128  # plus its number, as shells have it


def end_with_parent(pipe: int) -> None:
    """`pipe`: one whose other end it holds. Raises SystemExit where it has died already."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    poller = select.poll()
    poller.register(pipe, 0)
    if any(events & select.POLLHUP for _, events in poller.poll(0)):
        raise SystemExit(EXIT_OF_SIGNAL + signal.SIGTERM)
