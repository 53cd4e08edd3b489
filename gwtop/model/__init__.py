"""What a screen or a table keeps of the facts: bounded tables, rates, and snapshots of both."""

from gwtop.model.model import Model
from gwtop.model.snapshot import Snapshot

__all__ = ["Model", "Snapshot"]
