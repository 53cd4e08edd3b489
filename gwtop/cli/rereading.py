"""Rereading: an exchange of a capture that was read before, found in the file once more.

In: the plan of a `read`. Out: a function from an exchange's id to its detail. It refuses to know
why somebody asks.

The ids of a file are given in the order of its bytes, so a second reading gives the same ones. It
keeps nothing but the one exchange, and stops where that ends. 36,132 requests take 1.6 s (measured
on a busy machine), so the last one of a capture of a gigabyte takes a minute, and no memory.
"""

import os
from collections.abc import Callable
from contextlib import closing

from gwtop.errors import GwtopError
from gwtop.nouns.facts import Detail
from gwtop.nouns.plan import Plan


def rereading(plan: Plan) -> Callable[[int], Detail | None] | None:
    """None: what is read comes once (a pipe, a live tap)."""
    file = plan.file
    if file is None or not os.path.isfile(file):
        return None
    return lambda id: reread(plan, id)


def reread(plan: Plan, id: int) -> Detail | None:
    """None: it is not there, or the file no longer is."""
    from gwtop.taps.files import open_capture
    from gwtop.tracker import Tracker
    from gwtop.tracker.kept import Kept

    assert plan.file is not None
    kept = Kept(on=True, only=id)
    tracker = Tracker(plan, live=False, kept=kept)
    try:
        tap = open_capture(plan.file, plan)
    except GwtopError:
        return None
    with closing(tap):
        while kept.reel(id) is None and not tap.ended:
            for record in tap.read(0):
                tracker.ingest(record)
    tracker.finish(0)
    detail = tracker.detail(id)
    return detail if detail.kept else None
