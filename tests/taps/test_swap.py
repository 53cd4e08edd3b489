"""The swap of two sockets' names: taken without a gap, given back whatever has happened."""

import os
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gwtop.errors import GwtopError
from gwtop.taps import swap


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Short enough for sun_path (108 bytes)."""
    before = os.getcwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)


def bound(path: Path, kind: int = socket.SOCK_STREAM) -> socket.socket:
    one = socket.socket(socket.AF_UNIX, kind)
    one.bind(str(path))
    if kind != socket.SOCK_DGRAM:
        one.listen(8)
    return one


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def asked(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def is_waiting(listener: socket.socket) -> bool:
    listener.setblocking(False)
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def test_the_path_is_ours_and_the_live_socket_waits_aside(folder: Path) -> None:
    path = folder / "app.sock"
    chosen, shared = swap.names(str(path), 7), swap.Shared()
    with bound(path) as live, swap.take(chosen, shared) as ours:
        asked(path)
        assert is_waiting(ours) and not is_waiting(live)
        asked(Path(chosen.aside))
        assert is_waiting(live)
        assert swap.restore(chosen, shared)
        asked(path)
        assert is_waiting(live)
    assert names_in(folder) == ["app.sock"]


def test_ours_has_the_live_sockets_mode(folder: Path) -> None:
    path = folder / "app.sock"
    chosen, shared = swap.names(str(path), 7), swap.Shared()
    with bound(path):
        path.chmod(0o621)
        with swap.take(chosen, shared):
            assert stat.S_IMODE(path.lstat().st_mode) == 0o621
            swap.restore(chosen, shared)


def test_no_connect_fails_while_names_are_exchanged_back_and_forth(folder: Path) -> None:
    path = folder / "app.sock"
    done, failed = threading.Event(), []

    def connect_for_ever() -> None:
        while not done.is_set():
            try:
                asked(path)
            except BlockingIOError:
                continue
            except OSError as error:
                failed.append(error)

    def take_all(listener: socket.socket) -> None:
        while is_waiting(listener):
            continue

    with bound(path) as live:
        live.listen(4096)
        other = threading.Thread(target=connect_for_ever)
        other.start()
        for number in range(50):
            chosen, shared = swap.names(str(path), number), swap.Shared()
            ours = swap.take(chosen, shared)
            assert swap.restore(chosen, shared)
            take_all(ours)
            take_all(live)
        done.set()
        other.join()
    assert failed == []


def test_restoring_twice_changes_nothing(folder: Path) -> None:
    path = folder / "app.sock"
    chosen, shared = swap.names(str(path), 7), swap.Shared()
    with bound(path) as live, swap.take(chosen, shared):
        assert swap.restore(chosen, shared) and swap.restore(chosen, shared)
        asked(path)
        assert is_waiting(live)
    assert names_in(folder) == ["app.sock"]


def test_a_socket_that_was_bound_meanwhile_stays_where_it_is(folder: Path) -> None:
    path = folder / "app.sock"
    chosen, shared = swap.names(str(path), 7), swap.Shared()
    with bound(path), swap.take(chosen, shared):
        path.unlink()
        with bound(path) as newer:
            assert swap.restore(chosen, shared)
            asked(path)
            assert is_waiting(newer)
    assert names_in(folder) == ["app.sock"]


def test_a_server_that_cleaned_up_at_its_end_leaves_nothing_of_ours(folder: Path) -> None:
    path = folder / "app.sock"
    chosen, shared = swap.names(str(path), 7), swap.Shared()
    live = bound(path)
    with swap.take(chosen, shared):
        live.close()
        path.unlink()  # it meant its own, and took ours away
        assert swap.restore(chosen, shared)
    assert names_in(folder) == []


def test_a_name_removed_while_the_server_lives_goes_back(folder: Path) -> None:
    path = folder / "app.sock"
    chosen, shared = swap.names(str(path), 7), swap.Shared()
    with bound(path) as live, swap.take(chosen, shared):
        path.unlink()
        assert swap.restore(chosen, shared)
        asked(path)
        assert is_waiting(live)


@pytest.mark.parametrize("stage", ["bound", "exchanged"])
def test_what_a_killed_relay_and_its_janitor_left_is_recovered(folder: Path, stage: str) -> None:
    path = folder / "app.sock"
    dead_pid = 4_194_305  # above the kernel's highest
    chosen, shared = swap.names(str(path), dead_pid), swap.Shared()
    with bound(path) as live:
        if stage == "exchanged":
            swap.take(chosen, shared).close()
        else:
            bound(Path(chosen.aside)).close()
        assert swap.recover(str(path))
        while is_waiting(live):  # what it tried, to see who listens
            continue
        asked(path)
        assert is_waiting(live)
    assert names_in(folder) == ["app.sock"]


def test_nothing_is_recovered_from_a_relay_that_lives(folder: Path) -> None:
    path = folder / "app.sock"
    chosen, shared = swap.names(str(path), os.getpid()), swap.Shared()
    with bound(path), swap.take(chosen, shared):
        assert not swap.recover(str(path))
        swap.restore(chosen, shared)


def test_a_second_relay_of_the_same_socket_is_refused_and_the_first_goes_on(folder: Path) -> None:
    path = folder / "app.sock"
    first, shared = swap.names(str(path), os.getpid()), swap.Shared()
    with bound(path) as live, swap.take(first, shared):
        second = swap.names(str(path), os.getppid())
        with pytest.raises(GwtopError, match=f"another gwtop .pid {os.getpid()}. relays"):
            swap.take(second, swap.Shared())
        assert len(names_in(folder)) == 2
        swap.restore(first, shared)
        while is_waiting(live):  # what it tried, to see who listens
            continue
        asked(path)
        assert is_waiting(live)
    assert names_in(folder) == ["app.sock"]


def test_what_a_dead_relay_left_is_recovered_although_another_process_has_its_pid(
    folder: Path,
) -> None:
    path = folder / "app.sock"
    chosen, shared = swap.names(str(path), os.getppid()), swap.Shared()
    with bound(path) as live:
        swap.take(chosen, shared).close()
        assert swap.recover(str(path))
        while is_waiting(live):
            continue
        asked(path)
        assert is_waiting(live)
    assert names_in(folder) == ["app.sock"]


@pytest.mark.parametrize("n_bytes", [107, 90])
def test_a_path_that_leaves_no_room_for_another_name_is_relayed_too(
    folder: Path, n_bytes: int
) -> None:
    deep = folder / ("d" * 60)
    deep.mkdir()
    base = "s" * max(1, n_bytes - len(str(deep)) - 1)
    path = deep / base
    os.chdir(deep)
    live = socket.socket(socket.AF_UNIX)
    live.bind(base)
    live.listen(8)
    chosen, shared = swap.names(str(path), 4_194_305), swap.Shared()
    assert len(chosen.aside) > swap.MAX_NAME_BYTES
    with live:
        with swap.take(chosen, shared) as ours:
            asked(Path(base))
            assert is_waiting(ours)
            assert swap.is_listening(chosen.aside)
        assert swap.recover(str(path))
        asked(Path(base))
        assert is_waiting(live)
    assert names_in(deep) == [base]


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        pytest.param(socket.SOCK_DGRAM, "no stream socket", id="datagrams"),
        pytest.param(socket.SOCK_SEQPACKET, "no stream socket", id="packets"),
    ],
)
def test_other_kinds_of_sockets_are_refused(folder: Path, kind: int, word: str) -> None:
    with (
        bound(folder / "app.sock", kind),
        pytest.raises(GwtopError, match=word),
    ):
        swap.take(swap.names(str(folder / "app.sock"), 7), swap.Shared())
    assert names_in(folder) == ["app.sock"]


@pytest.mark.parametrize(
    ("name", "word"),
    [
        pytest.param("missing", "there is no socket at", id="no file"),
        pytest.param("file", "is no socket", id="a file"),
        pytest.param("dead", "nobody listens", id="a socket without a server"),
    ],
)
def test_what_is_no_live_socket_is_refused_with_its_reason(
    folder: Path, name: str, word: str
) -> None:
    (folder / "file").touch()
    bound(folder / "dead").close()
    with pytest.raises(GwtopError, match=word):
        swap.take(swap.names(str(folder / name), 7), swap.Shared())
    assert names_in(folder) == ["dead", "file"]


def test_an_abstract_socket_is_refused() -> None:
    with pytest.raises(GwtopError, match="abstract"):
        swap.take(swap.names("@app", 7), swap.Shared())


def test_a_folder_that_is_not_there_holds_nothing_to_recover(folder: Path) -> None:
    missing = str(folder / "gone" / "app.sock")
    assert swap.leftovers(missing) == []
    with pytest.raises(GwtopError, match="there is no socket at"):
        swap.take(swap.names(missing, 1), swap.Shared())
