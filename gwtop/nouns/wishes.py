"""Wishes: what a screen or another program may ask of a running engine. Types only.

One JSON object a line on the engine's standard input; `wish` says which. Each that took effect
shows in the facts.
"""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta


class Watch(msgspec.Struct, frozen=True, tag_field="wish", tag="watch"):
    """Watch this listener port too."""

    port: Annotated[int, Meta(ge=1, le=65535)]


class ShowDetail(msgspec.Struct, frozen=True, tag_field="wish", tag="detail"):
    """Tell everything about one request."""

    id: int


class Connections(msgspec.Struct, frozen=True, tag_field="wish", tag="connections"):
    """Tell connections at their close."""

    on: bool


class TickEvery(msgspec.Struct, frozen=True, tag_field="wish", tag="tick"):
    seconds: Annotated[float, Meta(ge=0.05, le=3600)]
    """At least 50 ms: a tick walks everything in flight."""


class Copy(msgspec.Struct, frozen=True, tag_field="wish", tag="copy"):
    """Copy so many bytes of each system call that is seen on a unix socket; 0: its length only."""

    bytes: Annotated[int, Meta(ge=0, le=1 << 20)]


class ShowProcess(msgspec.Struct, frozen=True, tag_field="wish", tag="process"):
    """Look at one process of the watched tree closely, now."""

    pid: Annotated[int, Meta(ge=1, le=1 << 22)]
    """PID_MAX_LIMIT of linux/threads.h."""


@dataclass(frozen=True, slots=True)
class BadWish:
    """A line that is no wish; `why` is one sentence."""

    why: str


Wish: TypeAlias = Watch | ShowDetail | Connections | TickEvery | Copy | ShowProcess
