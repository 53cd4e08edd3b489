"""A demo's hop: how it can be watched by whoever started it, and where clients have to go for that.

In: what the demo is, its ready line. Out: a `Hop`. It refuses to know servers.

With the right to capture, packets are; with the right to probe, the workers' calls. Without either
a relay stands in the path: beside the demo's unix socket, which is why such a demo is started with
one; or before the port that clients ask, if nobody is between them and the gateway. A hop between
two servers over TCP stays unseen then.
"""

import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gwtop.nouns.plan import Relayed

if TYPE_CHECKING:
    from gwtop.demos import DemoInfo, Ready

BUILTIN = "builtin"


@dataclass(frozen=True, slots=True)
class Hop:
    url: str
    """Where clients go."""
    port: int | None
    """Of the gateway; None: it has a path."""
    path: str | None
    relay: Relayed | None
    """None: the kernel shows what passes, or nobody does."""

    def argv(self) -> list[str]:
        """The command that watches it."""
        if self.relay is None:
            return [
                "attach",
                *(["--socket", self.path] if self.path else ["--port", str(self.port)]),
            ]
        if self.relay.listen is None:
            return ["tap", f"unix:{self.path}"]
        return ["tap", f"{self.relay.listen[1]}:{self.port}"]


def wants_unix(info: "DemoInfo", front: str | None) -> bool:
    """Whether it is started with a unix socket so that it can be seen without any right."""
    is_builtin = front == BUILTIN if front else info.fronts[:1] == (BUILTIN,)
    return info.unix and is_builtin and not (may_capture() or may_see_calls())


def of(ready: "Ready") -> Hop:
    listen, url = ready["listen"], ready["url"]
    kind, _, path = listen.partition(":")
    if kind == "unix":
        relay = None if may_see_calls() else Relayed(to=path, listen=None)
        return Hop(url, None, path, relay)
    host, _, port = listen.rpartition(":")
    if may_capture() or may_see_calls() or url != f"http://{listen}/":
        return Hop(url, int(port), None, None)
    before = (host, _free_port(host))
    return Hop(f"http://{host}:{before[1]}/", int(port), None, Relayed((host, int(port)), before))


def may_capture() -> bool:
    from gwtop.taps.privilege import Capability, held

    return sys.platform != "linux" or Capability.NET_RAW in held()


def may_see_calls() -> bool:
    """Whether probes in the workers show what passes."""
    from gwtop.taps import calls

    return sys.platform == "linux" and calls.unavailable() is None


def _free_port(host: str) -> int:
    with socket.create_server((host, 0)) as one:
        port: int = one.getsockname()[1]
        return port
