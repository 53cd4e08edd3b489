"""The plan: what the user asked to watch and how much to tell. Read by taps, tracker and engine."""

from dataclasses import dataclass

DEFAULT_COPY_BYTES = 72 * 1024
"""What a worker reads at once, with room to spare: uWSGI reads 65,543 bytes of FastCGI, where one
record has 65,798 at most, and a decoder needs every header in it. A head has 8 KiB."""
MAX_COPY_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Relayed:
    """A watch through a relay in the path."""

    to: tuple[str, int] | str
    """The gateway: an address and port, or the path of its unix socket."""
    listen: tuple[str, int] | None
    """Where clients connect to us. None: at `to` itself, a unix socket that we stand in for."""
    memory: int = -1
    """A descriptor of memory that our janitor maps too; -1: there is none."""


@dataclass(frozen=True, slots=True)
class Plan:
    ports: tuple[int, ...] = ()
    """Listener ports; () in `read` means every connection that some protocol claims."""
    socket: str | None = None
    """Path of a unix listener."""
    host: str | None = None
    """Only this server address; None: any."""
    interface: str = "lo"
    pid: int | None = None
    """Root of the watched tree. None: found from the listener's owner."""
    by_pid: bool = False
    """Ports and socket are what the tree of `pid` was found to listen on."""
    netns: str | None = None
    """Network namespace to watch, as `ip netns` names it or as a path. None: that of `pid`."""
    front: int | None = None
    """The front server's pid inside the tree, where a demo told us."""
    protocol: str | None = None
    """Forced protocol; None: elected per connection."""
    capture: str = "ring"
    is_capture_open: bool = False
    """Nobody asked for it: where packets are refused, calls will do."""
    copy_bytes: int = DEFAULT_COPY_BYTES
    """Of each system call that is seen; 0: its length only."""
    relay: Relayed | None = None
    """None: nothing of ours is in the path."""
    n_requests: int | None = None
    """Stop after so many requests that are not partial."""
    for_ns: int | None = None
    """Stop after so long."""
    details: bool = False
    bodies_bytes: int = 0
    show_secrets: bool = False
    keeps: bool = False
    """Somebody may ask for details, so the newest exchanges' bytes are kept from the start."""
    debug: str | None = None
    file: str | None = None
    """A capture to read instead of live taps; "-": standard input."""
