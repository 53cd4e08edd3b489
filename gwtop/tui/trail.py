"""The way one came: what was open before, where a sheet led to another.

In: what is open, and what is opened from it. Out: what to go back to. Knows no sheet.
"""

from gwtop.tui.details import Detail

MAX_STEPS = 20


class Trail:
    def __init__(self) -> None:
        self._steps: list[Detail] = []

    def opened(self, before: Detail | None, deeper: bool) -> None:
        """`deeper`: from the sheet that showed `before`; else a new way begins."""
        if not deeper:
            self._steps.clear()
        elif before is not None:
            self._steps = [*self._steps[-MAX_STEPS:], before]

    def back(self) -> Detail | None:
        return self._steps.pop() if self._steps else None
