"""The fuzz targets by name: what an input is, and what must hold of it.

In: the rooms as they are. Out: functions of bytes that return nothing or fail. Both the fuzzer
(`run.py`) and the suite (`tests/test_fuzz_corpus.py`) take them from here. A new protocol's target
is there by itself: one for each decoder that `discover()` finds.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from gwtop.protocols import discover
from tests.fuzz._files import check_journal, check_pcap, check_pcapng
from tests.fuzz._script import check, check_claims
from tests.fuzz._tracker import check_facts
from tests.fuzz._wire import check_frames, check_segments

Target: TypeAlias = Callable[[bytes], None]


def targets() -> dict[str, Target]:
    """Name: target."""
    modules = discover()
    decoders = {name: partial(check, module) for name, module in modules.items()}
    return {
        **decoders,
        "claims": partial(check_claims, modules),
        "link": check_frames,
        "tcp": check_segments,
        "pcap": check_pcap,
        "pcapng": check_pcapng,
        "journal": check_journal,
        "facts": check_facts,
    }
