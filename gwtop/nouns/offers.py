"""What the start screen offers, and what was chosen there. Types only.

They cross pipes as JSON: who looks at the machine, who shows it, and who starts what was chosen
are different processes, and the one that paints holds no rights. So a choice is made of fields
that can be checked, and is no command line.
"""

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta


class Ear(msgspec.Struct, frozen=True):
    """A listening socket."""

    listen: str
    """ "127.0.0.1:9000", "unix:/run/app.sock"."""
    port: int
    """0: a unix socket."""
    protocol: str | None
    """What it probably speaks, by its owner's name and arguments. None: no idea."""
    why: str
    """From what that was guessed."""
    is_gateway: bool
    """Whoever speaks this stands behind a web server, or is one."""
    pid: int | None
    """The topmost owner; None: nobody we may look into holds it."""
    name: str
    user: str
    n_owners: int
    pending: int | None
    limit: int | None


class Heard(msgspec.Struct, frozen=True):
    """One look at the machine."""

    ears: list[Ear]
    n_hidden: int
    """Processes that may hold one of them, into which we may not look."""


class DemoOffer(msgspec.Struct, frozen=True):
    name: str
    protocol: str
    process_model: str
    summary: str
    install: str | None
    """The command that installs what it lacks. None: all is here."""
    missing: list[str]


class Recent(msgspec.Struct, frozen=True):
    """A file that was shown before."""

    command: str
    """ "read" (a capture or a recording) or "view" (facts)."""
    path: str
    at: int
    """When, as epoch nanoseconds."""


class Attach(msgspec.Struct, frozen=True, tag=True):
    """Watch what listens there: `port`, or else `socket`."""

    port: Annotated[int, Meta(ge=0, le=65535)]
    socket: str


class RunDemo(msgspec.Struct, frozen=True, tag=True):
    name: str
    workers: Annotated[int, Meta(ge=1)] = 2
    rate: Annotated[float, Meta(ge=0)] = 5.0
    concurrency: Annotated[int, Meta(ge=1)] = 1
    front: str | None = None
    unix: bool = False
    path: str | None = None
    paused: bool = False
    """The load waits."""
    n_requests: Annotated[int, Meta(ge=1)] | None = None


class ShowFile(msgspec.Struct, frozen=True, tag=True):
    command: str
    path: str


class WithSudo(msgspec.Struct, frozen=True, tag=True):
    """The start screen again, of a gwtop that may look into everybody's processes."""


Choice: TypeAlias = Attach | RunDemo | ShowFile | WithSudo
