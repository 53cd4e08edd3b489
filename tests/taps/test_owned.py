"""What we say of descriptors to the programs at calls; maps are dictionaries here."""

import errno
import struct

import pytest

from gwtop.taps import ebpf
from gwtop.taps.owned import Owned
from gwtop.taps.ownprog import ACCEPTS, HELD, INHERITS, KEPT

TREE, OWN = 1, 2
WORKER, OTHER = 100, 200


class Maps:
    def __init__(self, is_refused: bool = False) -> None:
        self.values: dict[tuple[int, bytes], bytes] = {}
        self.is_refused = is_refused

    def _ask(self) -> None:
        if self.is_refused:
            raise PermissionError(errno.EPERM, "no right")

    def update(self, descriptor: int, key: bytes, value: bytes, flags: int = 0) -> None:
        self._ask()
        self.values[descriptor, key] = value

    def lookup(self, descriptor: int, key: bytes, value_bytes: int) -> bytes | None:
        self._ask()
        return self.values.get((descriptor, key))

    def delete(self, descriptor: int, key: bytes) -> None:
        self._ask()
        if self.values.pop((descriptor, key), None) is None:
            raise FileNotFoundError(errno.ENOENT, "no such key")

    def own(self) -> set[tuple[int, int]]:
        keys = (struct.unpack("<II", key) for made, key in self.values if made == OWN)
        return {(pid, fd) for fd, pid in keys}

    def flags(self, pid: int) -> int:
        return int.from_bytes(self.values[TREE, pid.to_bytes(4, "little")], "little")


def made(monkeypatch: pytest.MonkeyPatch, is_refused: bool = False) -> tuple[Owned, Maps]:
    maps = Maps(is_refused)
    for name in ("update", "lookup", "delete"):
        monkeypatch.setattr(ebpf, name, getattr(maps, name))
    return Owned(TREE, OWN), maps


def test_what_was_open_is_put_there_and_its_holders_are_kept_to_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    owned, maps = made(monkeypatch)
    owned.put(WORKER, 5)
    owned.held([WORKER])
    owned.concern([OTHER])
    assert (maps.flags(WORKER), maps.flags(OTHER)) == (HELD, 0)
    owned.keep([WORKER, OTHER])
    assert (maps.flags(WORKER), maps.flags(OTHER)) == (HELD | KEPT, KEPT)
    assert maps.own() == {(WORKER, 5)}


def test_what_a_program_said_of_a_process_stays_said(monkeypatch: pytest.MonkeyPatch) -> None:
    owned, maps = made(monkeypatch)
    maps.update(TREE, WORKER.to_bytes(4, "little"), struct.pack("<I", ACCEPTS | INHERITS))
    owned.concern([WORKER])
    owned.keep([WORKER])
    assert maps.flags(WORKER) == ACCEPTS | INHERITS | KEPT
    owned.born_without(WORKER)
    assert maps.flags(WORKER) == ACCEPTS | KEPT


def test_when_a_process_has_ended_its_descriptors_are_taken_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    owned, maps = made(monkeypatch)
    maps.update(OWN, struct.pack("<II", 7, WORKER), b"")  # by the program
    owned.seen(WORKER, 7)
    owned.seen(WORKER, 8)  # closed since
    owned.put(WORKER, 5)
    owned.put(OTHER, 5)
    owned.ended(WORKER)
    assert maps.own() == {(OTHER, 5)}
    owned.ended(WORKER)
    assert maps.own() == {(OTHER, 5)}


def test_a_kernel_that_does_not_listen_to_us_any_more_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    owned, maps = made(monkeypatch, is_refused=True)
    owned.put(WORKER, 5)
    owned.held([WORKER])
    owned.keep([WORKER])
    owned.born_without(WORKER)
    owned.ended(WORKER)
    assert maps.values == {}
