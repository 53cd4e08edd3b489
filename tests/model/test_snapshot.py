"""A snapshot is frozen: whoever holds one may keep it."""

import dataclasses

import pytest

from gwtop.model import Model, Snapshot
from tests.screens._facts import pool, rain


def test_a_snapshot_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Snapshot().n_requests = 3  # type: ignore[misc]


def test_an_old_snapshot_stays_as_it_was() -> None:
    model = Model()
    for fact in pool():
        model.apply(fact)  # type: ignore[arg-type]
    old = model.snapshot()
    rows, processes, notes = list(old.requests), old.processes, old.notes
    for fact in rain():
        model.apply(fact)  # type: ignore[arg-type]
    assert list(old.requests) == rows
    assert (old.processes, old.notes) == (processes, notes)
    assert model.snapshot() != old
