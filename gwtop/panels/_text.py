"""Numbers as text of fixed width: durations, sizes, rates, shares, times of day.

In: ints in the units of facts, or None. Out: short text that keeps its place: a unit changes only
at a threshold, three significant digits at most, unknown is "–". Refuses to know where it stands;
columns align it.
"""

from gwtop.nouns.times import MILLISECOND_NS, SECOND_NS, Nanos

UNKNOWN = "–"
DURATION_WIDTH = 6
BYTES_WIDTH = 5
RATE_WIDTH = 6

_DAY_S = 86_400
_SPARKS = "▁▂▃▄▅▆▇█"


def duration(duration_ns: int | None) -> str:
    """At most 6 characters: "812 µs", "1.8 ms", "41 ms", "1.2 s", "41 s", "12 min", "3 h"."""
    if duration_ns is None:
        return UNKNOWN
    ns = max(0, duration_ns)
    if ns < 999_500:
        return f"{round(ns / 1000)} µs"
    if ns < 9_950_000:
        return f"{ns / MILLISECOND_NS:.1f} ms"
    if ns < 999_500_000:
        return f"{round(ns / MILLISECOND_NS)} ms"
    if ns < 9_950_000_000:
        return f"{ns / SECOND_NS:.1f} s"
    return _long(round(ns / SECOND_NS))


def idle_time(duration_ns: int) -> str:
    """As `duration`, in tenths of a second: finer digits of a pause only flicker."""
    if duration_ns < 9_950_000_000:
        return f"{max(0, duration_ns) / SECOND_NS:.1f} s"
    return duration(duration_ns)


def _long(seconds: int) -> str:
    if seconds < 100:
        return f"{seconds} s"
    if seconds < 100 * 60:
        return f"{seconds // 60} min"
    if seconds < 100 * 3600:
        return f"{seconds // 3600} h"
    return f"{min(seconds // _DAY_S, 9999)} d"


def n_bytes(size_bytes: int | None) -> str:
    """At most 5 characters: "999B", "1.2K", "44M", "1.3G" (powers of 1024)."""
    if size_bytes is None:
        return UNKNOWN
    if size_bytes < 1000:
        return f"{size_bytes}B"
    value = float(size_bytes)
    for unit in "KMGTP":
        value /= 1024
        if value < 9.95:
            return f"{value:.1f}{unit}"
        if value < 999.5:
            return f"{round(value)}{unit}"
    return "huge"


def n_times(count: int | None) -> str:
    """At most 7 characters: "12,408", "1.24M"."""
    if count is None:
        return UNKNOWN
    if count < 1_000_000:
        return f"{count:,}"
    if count < 9_995_000:
        return f"{count / 1e6:.2f}M"
    return f"{count / 1e6:.1f}M" if count < 99_950_000 else f"{count // 1_000_000}M"


def n_many(count: int | None) -> str:
    """At most 6 characters: "99,999", "123k", "1.2M"."""
    if count is None or count < 100_000:
        return UNKNOWN if count is None else f"{count:,}"
    return f"{count // 1000}k" if count < 1_000_000 else f"{count / 1e6:.1f}M"


def rate(per_s: float | None) -> str:
    """At most 6 characters: "0.2/s", "4.9/s", "412/s", "5.1k/s"."""
    if per_s is None:
        return UNKNOWN
    if per_s < 9.95:
        return f"{per_s:.1f}/s"
    if per_s < 999.5:
        return f"{round(per_s)}/s"
    if per_s < 999_500:
        return f"{per_s / 1000:.1f}k/s" if per_s < 9950 else f"{round(per_s / 1000)}k/s"
    return f"{per_s / 1e6:.1f}M/s"


def share(part: float | None) -> str:
    """At most 5 characters: "0 %", "0.4 %", "12 %", "100 %". What is not 0 never shows as 0."""
    if part is None:
        return UNKNOWN
    percent = part * 100
    if percent <= 0:
        return "0 %"
    if percent < 9.95:
        return f"{max(percent, 0.1):.1f} %"
    return f"{round(percent)} %"


def percent(value: float | None) -> str:
    return UNKNOWN if value is None else f"{round(value)} %"


def time_of_day(at: Nanos | None, utc_offset_s: int = 0) -> str:
    """8 characters, "14:03:27", on the clock of whoever looks."""
    if at is None:
        return UNKNOWN
    second = (at // SECOND_NS + utc_offset_s) % _DAY_S
    return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"


def spark(values: tuple[int, ...], n_cells: int) -> str:
    """The newest values as a line of bars, the highest one full; nothing at 0 is "▁"."""
    shown = values[-n_cells:] if n_cells > 0 else ()
    most = max(shown, default=0)
    return "".join(_SPARKS[0 if most == 0 else value * 7 // most] for value in shown)


def plural(count: int, one: str, many: str | None = None) -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"
