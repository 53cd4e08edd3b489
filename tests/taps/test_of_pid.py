"""Where the tree of a named process listens, on a made-up machine."""

import pytest

from gwtop.errors import GwtopError
from gwtop.nouns.plan import Plan
from gwtop.taps import listeners, netns, of_pid, privilege
from gwtop.taps.listeners import Listener
from gwtop.taps.watched import Watched


@pytest.fixture
def server(machine, monkeypatch: pytest.MonkeyPatch):
    """A master and its worker that listen on two ports and two unix sockets; a stranger's port."""
    machine.born(100, 50, 10)
    machine.listens(100, 9000, 7)
    machine.listens(100, 8080, 8, "0.0.0.0")
    machine.listens(100, 8080, 9, "0.0.0.0")  # SO_REUSEPORT
    machine.forked(101, 100, 20)
    for inode, path in ((21, "/run/b.sock"), (22, "/run/a.sock")):
        machine.listening.append(Listener(path, 0, inode, None))
        machine.people[101].links.add(f"socket:[{inode}]")
    machine.born(300, 50, 10)
    machine.listens(300, 5432, 30)
    monkeypatch.setattr(listeners, "seen_by", lambda pid: list(machine.listening))
    monkeypatch.setattr(netns, "is_hidden", lambda plan: False)
    return machine


def codes(plan: Plan) -> list[str]:
    return [word.code for word in of_pid.words(plan, 5)]


def test_the_ports_of_the_tree_are_watched_and_its_first_unix_socket(server) -> None:
    plan = of_pid.told_by(Plan(pid=100))
    assert (plan.ports, plan.socket, plan.by_pid) == ((8080, 9000), "/run/a.sock", True)
    first, second = of_pid.words(plan, 5)
    assert first.text == (
        "the tree of process 100 listens on 0.0.0.0:8080, 127.0.0.1:9000, "
        "unix:/run/a.sock, unix:/run/b.sock"
    )
    assert second.listen == "unix:/run/b.sock" and "attach --socket /run/b.sock" in second.text


def test_what_the_user_named_stands(server) -> None:
    for plan in (Plan(pid=100, ports=(80,)), Plan(pid=100, socket="/x"), Plan(ports=(80,))):
        assert of_pid.told_by(plan) is plan
        assert codes(plan) == []


def test_a_tree_that_does_not_listen_has_lives_only(server) -> None:
    server.born(400, 50, 10)
    plan = of_pid.told_by(Plan(pid=400))
    assert (plan.ports, plan.socket) == ((), None)
    assert codes(plan) == ["tree-silent"]


def test_what_may_not_be_seen_is_said_with_the_command_that_shows_it(server) -> None:
    server.people[101].hidden = True
    plan = of_pid.told_by(Plan(pid=100))
    assert plan.socket is None
    hidden = of_pid.words(plan, 5)[-1]
    assert (hidden.code, hidden.severity) == ("tree-hidden", "warn")
    assert "1 process" in hidden.text and hidden.text.endswith("attach --pid 100")


def test_no_such_process_is_one_line(server) -> None:
    with pytest.raises(GwtopError, match="there is no process 4711"):
        of_pid.told_by(Plan(pid=4711))


def test_the_watch_says_it_once_and_holds_both_kinds_of_listener(
    server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        listeners, "unix", lambda path: [one for one in server.listening if one.address == path]
    )
    watched = Watched(of_pid.told_by(Plan(pid=100)))
    words, changed = watched.look(0)
    assert [word.code for word in words] == ["tree-listens", "tree-listens"] and changed
    assert watched.roots == {100}
    assert watched.held_by(101) == {"127.0.0.1:9000", "0.0.0.0:8080", "unix:/run/a.sock"}
    assert watched.look(1) == ([], False)


def test_what_the_tree_listens_on_later_is_told_once_and_a_strangers_is_not(server) -> None:
    later = of_pid.Later(of_pid.told_by(Plan(pid=100)))
    assert later.words(1) == [], "what was there is known"
    server.listens(100, 8081, 40)
    server.listens(300, 5433, 41)
    (word,) = later.words(2)
    assert (word.code, word.listen) == ("tree-listens", "127.0.0.1:8081")
    assert word.text.endswith("gwtop attach --port 8081")
    server.listens(100, 8081, 42)
    server.listens(100, 9000, 43)
    assert later.words(3) == [], "a restarted listener, and one that is watched"


def test_of_a_program_that_listens_for_each_client_not_all_is_told(server) -> None:
    later = of_pid.Later(of_pid.told_by(Plan(pid=100)))
    told = []
    for n in range(2 * of_pid.MAX_LATER):
        told += later.words(n)
        server.listens(100, 20_000 + n, 1000 + n)
    assert len(told) == of_pid.MAX_LATER


def test_who_named_a_port_is_told_of_no_other(server) -> None:
    later = of_pid.Later(Plan(pid=100, ports=(9000,)))
    assert later.words(1) == []
    server.listens(100, 8081, 40)
    assert later.words(2) == []


def test_a_network_that_may_not_be_seen_is_said(server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(netns, "is_hidden", lambda plan: plan.pid == 100)
    words, _ = Watched(Plan(pid=100, ports=(9000,))).look(0)
    assert [(word.code, word.pid) for word in words] == [("network-hidden", 100)]
    assert "attach --port 9000 --pid 100" in words[0].text


def test_the_command_for_more_names_what_the_user_named() -> None:
    assert privilege.command(Plan(pid=7, ports=(80,), by_pid=True)).endswith(" attach --pid 7")
    assert privilege.command(Plan(pid=7, ports=(80,))).endswith(" attach --port 80 --pid 7")
