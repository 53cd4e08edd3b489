"""Chosen: what shows the requests on ports, where the user did not say.

In: the plan. Out: the plan, with the workers' calls in the place of packets where packets are
refused and probes are not; and what there is to say about that. It refuses to open anything.

The right to capture packets (CAP_NET_RAW) and the right to look into processes (CAP_BPF,
CAP_PERFMON, and tracefs) are two: containers often lack the first, and a packet shows more of the
network than an administrator may want to give. Calls cost the watched workers some microseconds
each and packets cost them nothing, so packets come first.
"""

import socket
import sys
from dataclasses import replace

from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Observed
from gwtop.nouns.times import Nanos
from gwtop.taps import acceptors

RING = "ring"


def packets_are_refused() -> bool:
    """Whether this process may not capture. Elsewhere than on Linux others know."""
    if sys.platform != "linux":
        return False
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
    except PermissionError:
        return True
    except OSError:  # no packet sockets in this kernel: the ring says so
        return False
    return False


def shows_ports_in_calls() -> bool:
    """Whether calls are all that there is."""
    if not packets_are_refused():
        return False
    from gwtop.taps import calls  # which imports us

    return calls.unavailable() is None


def told_by(plan: Plan) -> Plan:
    """The plan, once nothing in it is left open."""
    is_open = plan.is_capture_open and plan.capture == RING and plan.ports
    if not is_open or plan.relay is not None or plan.file is not None:
        return replace(plan, is_capture_open=False) if plan.is_capture_open else plan
    if not shows_ports_in_calls():
        return replace(plan, is_capture_open=False)
    return replace(plan, capture=acceptors.CAPTURE)


def words(plan: Plan, now: Nanos) -> list[Observed]:
    """What was chosen, where that is not what it would have been."""
    if not plan.is_capture_open:
        return []
    text = (
        "packets are refused (CAP_NET_RAW shows them): requests are seen in the workers' own "
        "calls, which slows those by some microseconds each"
    )
    return [Observed(now, "packets-refused", "info", text)]
