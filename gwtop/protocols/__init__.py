"""Which protocols there are, and which of them a connection speaks.

In: the modules of this folder, and a client's first bytes. Out: a module, or why there is none.
Knows no protocol by name: a file that offers what `_base.Module` asks for is one.

Claims are exclusive: a connection is given to a protocol when exactly one says YES and no other
one can still say it. Two that say YES are a defect of one of them, and then nobody gets it, for
a wrong decoder would tell things that did not happen.
"""

from collections.abc import Iterable
from enum import Enum
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules

from gwtop.protocols._base import MORE, YES, Module

ELECTION_LIMIT_BYTES = 8 * 1024
"""Asked no further than this: the longest request line that nginx takes by default
(large_client_header_buffers), which is the longest thing a claim may need to see."""


class Undecided(Enum):
    NOBODY = "nobody"
    """No protocol claims these bytes, and more of them will not change that."""
    NOT_YET = "not yet"
    """Ask again with a longer prefix."""


def discover() -> dict[str, Module]:
    """The protocols by name, sorted by file name. The only place that finds them."""
    return {module.NAME: module for module in _in_this_folder()}


@lru_cache(maxsize=1)  # a folder is read in 0.5 ms, and a request that is repeated asks again
def _in_this_folder() -> tuple[Module, ...]:
    found = sorted(info.name for info in iter_modules(__path__))
    return tuple(import_module(f"{__name__}.{name}") for name in found if not name.startswith("_"))


def elect(prefix: bytes, modules: Iterable[Module], final: bool = False) -> Module | Undecided:
    """The one protocol that claims a connection whose client sent `prefix` first.

    `final`: no more bytes will come, so a MORE counts as NO; so it does from
    ELECTION_LIMIT_BYTES on.
    """
    yes: Module | None = None
    more = False
    for module in modules:
        claim = module.claims(prefix)
        if claim is YES:
            if yes is not None:
                return Undecided.NOBODY
            yes = module
        elif claim is MORE:
            more = True
    if more and not final and len(prefix) < ELECTION_LIMIT_BYTES:
        return Undecided.NOT_YET
    return yes if yes is not None else Undecided.NOBODY
