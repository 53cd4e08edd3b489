"""Lineage: births, exits and generations of pids, and when each fact is told."""

from gwtop.nouns.facts import Fact, ProcessBorn, ProcessExited, ProcessSample, ProcessSeen
from gwtop.nouns.records import Execed, ExecRefused, Exited, Forked, Named, Present, Sampled, Spent
from gwtop.nouns.times import MILLISECOND_NS as MS
from gwtop.nouns.times import SECOND_NS, instant
from gwtop.tracker.lineage import Lineage
from gwtop.tracker.process import Process

T0 = 1_800_000_000 * SECOND_NS


def lineage(front: int | None = None, details: bool = False) -> Lineage:
    tree = Lineage(details, False, front)
    tree.present(present(100))
    return tree


def present(pid: int, parent: int = 1, holds: bool | None = True) -> Present:
    return Present(
        T0, pid, parent, T0 - SECOND_NS, (b"/usr/bin/x", b"-m"), b"/usr/bin/x", b"x", holds
    )


def born(tree: Lineage, pid: int, at: int, parent: int = 100) -> Process:
    process = tree.forked(Forked(T0 + at, pid, parent))
    assert process is not None
    return process


def cgi(at: int, pid: int, **environ: bytes) -> Execed:
    pairs = [(b"GATEWAY_INTERFACE", b"CGI/1.1")]
    pairs += [(name.encode(), value) for name, value in environ.items()]
    return Execed(T0 + at, pid, (b"/usr/bin/python3", b"a.py"), b"/usr/bin/python3", tuple(pairs))


def kinds(facts: list[Fact]) -> list[str]:
    return [type(fact).__name__ for fact in facts]


def test_one_that_was_there_before_is_seen_and_not_born() -> None:
    tree = Lineage(False, False, None)
    (fact,) = tree.present(present(100))
    assert isinstance(fact, ProcessSeen)
    assert (fact.pid, fact.name, fact.argv, fact.role) == (100, "x", ["/usr/bin/x", "-m"], "worker")
    assert tree.n_born == 0
    assert tree.present(present(100)) == [], "seen once"


def test_a_late_fork_event_of_one_that_was_there_is_no_birth() -> None:
    tree = lineage()
    assert tree.forked(Forked(T0 - SECOND_NS + 10 * MS, 100, 1)) is None
    assert tree.n_born == 0


def test_birth_is_told_at_exec_as_soon_as_its_request_is_known() -> None:
    tree = lineage()
    process = born(tree, 200, 1 * MS)
    tree.execed(cgi(2 * MS, 200))
    assert tree.settle(T0 + 3 * MS) == [], "its request may be in a frame that is still on its way"
    process.request = 7
    (fact,) = tree.settle(T0 + 4 * MS)
    assert isinstance(fact, ProcessBorn)
    assert (fact.at, fact.request, fact.role, fact.name) == (
        instant(T0 + 1 * MS),
        7,
        "cgi",
        "python3",
    )


def test_birth_is_told_a_hundred_milliseconds_after_the_fork_at_the_latest() -> None:
    tree = lineage()
    born(tree, 200, 0)
    assert tree.settle(T0 + 99 * MS) == []
    assert tree.due_at() == T0 + 100 * MS
    (fact,) = tree.settle(T0 + 100 * MS)
    assert isinstance(fact, ProcessBorn)
    assert (fact.argv, fact.role) == (["/usr/bin/x", "-m"], "worker"), (
        "a fork is what its parent is"
    )


def test_exit_waits_for_the_requests_that_ended_before_it() -> None:
    tree = lineage()
    born(tree, 200, 0)
    assert kinds(tree.settle(T0 + 100 * MS)) == ["ProcessBorn"]
    tree.exited(Exited(T0 + 200 * MS, 200, 0, None))
    assert tree.settle(T0 + 289 * MS) == []
    assert tree.due_at() == T0 + 290 * MS
    (process,) = tree.born_since(T0)
    process.n_requests += 1
    (gone,) = tree.settle(T0 + 290 * MS)
    assert isinstance(gone, ProcessExited) and gone.requests == 1


def test_a_short_program_is_told_with_the_request_that_settles_after_its_end() -> None:
    tree = lineage()
    lives: list[int] = []
    tree.lived = lives.append
    process = born(tree, 200, 0)
    tree.execed(Execed(T0 + 1 * MS, 200, None, None, None))
    tree.named(Named(T0 + 1 * MS, 200, b"/srv/short.cgi"))
    tree.exited(Exited(T0 + 2 * MS, 200, 0, None))
    assert tree.settle(T0 + 84 * MS) == []
    process.request = 7
    birth, death = tree.settle(T0 + 85 * MS)
    assert isinstance(birth, ProcessBorn) and isinstance(death, ProcessExited)
    assert (birth.request, birth.name) == (7, "short.cgi")
    assert lives == [2 * MS], "a life made for a request is a number of the verdict's"


def test_a_fork_that_answered_and_went_is_told_with_its_request() -> None:
    tree = lineage()
    process = born(tree, 200, 0)
    process.request = 7
    assert tree.settle(T0 + 5 * MS) == [], "it may become a program yet"
    tree.exited(Exited(T0 + 6 * MS, 200, 0, None))
    assert kinds(tree.settle(T0 + 7 * MS)) == ["ProcessBorn", "ProcessExited"]


def test_an_exit_before_its_birth_is_told_is_not_due() -> None:
    tree = lineage()
    born(tree, 101, 0)
    tree.exited(Exited(T0 + 2 * MS, 101, 0, None))
    assert tree.due_at() == T0 + 100 * MS, "else an engine would ask again and again until then"
    assert kinds(tree.settle(T0 + 100 * MS)) == ["ProcessBorn", "ProcessExited"]
    assert tree.due_at() is None


def test_exit_is_told_after_its_birth_with_lifetime_and_status() -> None:
    tree = lineage()
    born(tree, 200, 0)
    tree.exited(Exited(T0 + 2 * MS, 200, 3, None))
    facts = tree.settle(T0 + 100 * MS)
    assert kinds(facts) == ["ProcessBorn", "ProcessExited"]
    gone = facts[1]
    assert isinstance(gone, ProcessExited)
    assert (gone.lifetime_ns, gone.code, gone.signal) == (2 * MS, 3, None)
    assert tree.settle(T0 + SECOND_NS) == [], "told once"


def test_a_reused_pid_is_another_process() -> None:
    tree = lineage()
    first = born(tree, 200, 0)
    tree.exited(Exited(T0 + 1 * MS, 200, 0, None))
    second = born(tree, 200, 5 * MS)
    assert first is not second
    first.n_requests = 4
    facts = [f for f in tree.settle(T0 + SECOND_NS) if isinstance(f, ProcessExited | ProcessBorn)]
    assert kinds(facts) == ["ProcessBorn", "ProcessExited", "ProcessBorn"]
    assert isinstance(facts[1], ProcessExited) and facts[1].requests == 4
    assert tree.find(200) is second


def test_lives_of_one_pid_are_told_one_by_one_each_with_its_own() -> None:
    tree = lineage()
    tree.awaits_accounts = True
    for n in range(4):
        process = born(tree, 200, 10 * n * MS)
        tree.execed(cgi(10 * n * MS + 1, 200))
        tree.exited(Exited(T0 + (10 * n + n + 2) * MS, 200, n, None))
        process.request = 70 + n
    for n in (0, 1, 2):  # the account of the last is lost
        tree.spent(Spent(T0 + 40 * MS, 200, n + 1, None, (n + 2) * MS))
    facts = tree.settle(T0 + 45 * MS)
    facts += tree.settle(T0 + 200 * MS)
    assert kinds(facts) == ["ProcessBorn", "ProcessExited"] * 4
    births = [f for f in facts if isinstance(f, ProcessBorn)]
    deaths = [f for f in facts if isinstance(f, ProcessExited)]
    assert [f.request for f in births] == [70, 71, 72, 73]
    assert [f.code for f in deaths] == [0, 1, 2, 3]
    assert [f.cpu_ns for f in deaths] == [1, 2, 3, None]
    assert [f.lifetime_ns for f in deaths] == [2 * MS, 3 * MS, 4 * MS, 5 * MS]


def test_the_next_life_of_a_pid_waits_for_the_end_of_the_former_to_be_told() -> None:
    tree = lineage()
    born(tree, 200, 0)
    tree.settle(T0 + 100 * MS)
    tree.exited(Exited(T0 + 110 * MS, 200, 0, None))
    second = born(tree, 200, 111 * MS)
    tree.execed(cgi(112 * MS, 200))
    second.request = 8
    assert tree.settle(T0 + 120 * MS) == []
    assert kinds(tree.settle(T0 + 200 * MS)) == ["ProcessExited", "ProcessBorn"]


def test_a_fork_of_a_live_pid_proves_an_exit_that_was_missed() -> None:
    tree = lineage()
    born(tree, 200, 0)
    born(tree, 200, 500 * MS)
    exits = [f for f in tree.settle(T0 + SECOND_NS) if isinstance(f, ProcessExited)]
    assert [(f.pid, f.code, f.signal) for f in exits] == [(200, None, None)]


def test_roles_of_a_prefork_pool() -> None:
    tree = lineage()
    tree.present(present(101, parent=100))
    tree.present(present(102, parent=100))
    roles = {pid: tree.role(process) for pid in (100, 101, 102) if (process := tree.find(pid))}
    assert roles == {100: "master", 101: "worker", 102: "worker"}
    assert sorted(p.pid for p in tree.answerers()) == [101, 102]


def test_a_pool_that_was_seen_before_its_master_is_still_a_pool() -> None:
    tree = Lineage(False, False, None)
    tree.present(present(101, parent=100))
    tree.present(present(100))
    assert [p.pid for p in tree.answerers()] == [101]


def test_the_only_answerer_is_told_only_when_it_is_certain() -> None:
    tree = lineage()
    only = tree.only_answerer()
    assert only is not None and only.pid == 100
    tree.present(present(101, parent=100, holds=None))
    assert tree.only_answerer() is None, "descriptors that we may not read could hold the listener"
    tree.present(present(101, parent=100, holds=False))
    again = tree.only_answerer()
    assert again is not None and again.pid == 100
    born(tree, 102, 0)
    assert tree.only_answerer() is None, "a fork inherits the listener"


def test_the_front_is_what_the_demo_said_it_is() -> None:
    tree = lineage(front=100)
    process = tree.find(100)
    assert process is not None and tree.role(process) == "front"


def test_descendants_know_their_ancestors_after_these_are_gone() -> None:
    tree = lineage()
    parent = born(tree, 200, 0)
    child = born(tree, 201, 1, parent=200)
    tree.exited(Exited(T0 + 2, 200, 0, None))
    assert child.descends_from(parent)
    assert not parent.descends_from(child)


def test_a_sample_tells_cpu_since_the_last_one() -> None:
    tree = lineage()
    first = Sampled(T0, 100, 10 * MS, 5000, 1, 9, "S", True)
    second = Sampled(T0 + SECOND_NS, 100, 260 * MS, 4000, 1, 9, "R", True)
    (one,) = tree.sampled(first, [])
    (two,) = tree.sampled(second, [3])
    assert isinstance(one, ProcessSample) and one.cpu_percent is None
    assert isinstance(two, ProcessSample) and two.cpu_percent == 25.0
    assert (two.busy_with, two.rss_bytes, two.state) == ([3], 4000, "R")
    tree.exited(Exited(T0 + 2 * SECOND_NS, 100, None, 9))
    (gone,) = tree.settle(T0 + 3 * SECOND_NS)
    assert isinstance(gone, ProcessExited)
    assert (gone.signal, gone.max_rss_bytes, gone.cpu_ns) == (9, 5000, 260 * MS)


def test_environ_is_told_with_details_and_without_secrets() -> None:
    tree = lineage(details=True)
    process = born(tree, 200, 0)
    tree.execed(cgi(1, 200, HTTP_COOKIE=b"id=1", PATH_INFO=b"/x"))
    process.request = 1
    (fact,) = tree.settle(T0 + 2)
    assert isinstance(fact, ProcessBorn) and isinstance(fact.environ, list)
    assert dict(fact.environ) == {
        "GATEWAY_INTERFACE": "CGI/1.1",
        "HTTP_COOKIE": "[redacted]",
        "PATH_INFO": "/x",
    }


def test_one_that_vanished_before_it_could_be_read_is_told_without_environ() -> None:
    tree = lineage(details=True)
    born(tree, 200, 0)
    tree.execed(Execed(T0 + 1, 200, None, None, None))
    (fact,) = tree.settle(T0 + SECOND_NS)
    assert isinstance(fact, ProcessBorn) and fact.environ is None


def test_born_since_finds_the_dead_too_and_stops_looking_early() -> None:
    tree = lineage()
    for n in range(5):
        born(tree, 200 + n, n * 100 * MS)
    tree.exited(Exited(T0 + 450 * MS, 204, 0, None))
    assert [p.pid for p in tree.born_since(T0 + 250 * MS)] == [204, 203]


def test_a_program_gone_before_anybody_looked_is_named_by_its_exec() -> None:
    tree = lineage()
    tree.named(Named(T0 + 2 * MS, 201, b"/srv/cgi/fast"))  # told before the birth it belongs to
    process = born(tree, 201, MS)
    tree.execed(Execed(T0 + 2 * MS, 201, None, None, None))
    tree.exited(Exited(T0 + 3 * MS, 201, 0, None))
    process.request = 7
    told = [fact for fact in tree.settle(T0 + 4 * MS) if isinstance(fact, ProcessBorn)]
    assert [(fact.name, fact.argv) for fact in told] == [("fast", None)]


def test_a_name_that_is_still_on_its_way_is_waited_for() -> None:
    tree = lineage()
    process = born(tree, 201, MS)
    tree.execed(Execed(T0 + 2 * MS, 201, None, None, None))
    process.request = 7
    assert tree.settle(T0 + 4 * MS) == []
    tree.named(Named(T0 + 2 * MS, 201, b"/srv/cgi/fast"))
    assert [f.name for f in tree.settle(T0 + 5 * MS) if isinstance(f, ProcessBorn)] == ["fast"]


def test_the_name_of_an_earlier_process_of_the_pid_is_not_taken() -> None:
    tree = lineage()
    tree.named(Named(T0 - SECOND_NS, 201, b"/bin/old"))
    born(tree, 201, MS)
    tree.execed(Execed(T0 + 2 * MS, 201, None, None, None))
    (told,) = (f for f in tree.settle(T0 + 200 * MS) if isinstance(f, ProcessBorn))
    assert told.name == "x", "its parent's, for want of its own"


def test_a_process_is_found_by_pid_and_time_and_generations_are_told_apart() -> None:
    tree = lineage()
    first = born(tree, 201, MS)
    tree.exited(Exited(T0 + 20 * MS, 201, 0, None))
    second = born(tree, 201, 100 * MS)
    assert tree.find_then(201, T0 + 10 * MS) is first
    assert tree.find_then(201, T0 + 110 * MS) is second
    assert tree.find_then(201, T0 + 60 * MS) is None
    assert tree.find_then(999, T0) is None


def test_an_interpreter_inside_is_inherited_by_fork_and_lost_by_exec() -> None:
    tree = Lineage(False, False, None)
    tree.present(Present(T0, 100, 1, None, (b"a",), b"a", b"a", True, "libphp8.2.so"))
    child = born(tree, 201, MS)
    assert child.embeds == "libphp8.2.so"
    tree.execed(Execed(T0 + 2 * MS, 201, (b"s",), b"s", ()))
    assert child.embeds is None
    tree.sampled(Sampled(T0 + 3 * MS, 201, None, None, None, None, "S", None, "mod_perl.so"), [])
    assert child.embeds == "mod_perl.so"


def test_what_exec_refused_belongs_to_the_process_of_that_time() -> None:
    tree = lineage()
    tree.refused(ExecRefused(T0 - SECOND_NS, 201, 13))
    process = born(tree, 201, MS)
    assert tree.refusal(process) is None
    tree.refused(ExecRefused(T0 + 2 * MS, 201, 8))
    tree.exited(Exited(T0 + 3 * MS, 201, 255, None))
    assert tree.refusal(process) == 8


def test_of_a_search_along_path_the_refusal_counts_that_names_a_file() -> None:
    tree = lineage()
    process = born(tree, 201, 0)
    for n, error in enumerate((2, 13, 2)):
        tree.refused(ExecRefused(T0 + n, 201, error))
    assert tree.refusal(process) == 13


def test_who_answered_a_request_is_found_when_it_was_made_for_it() -> None:
    tree = lineage()
    process = born(tree, 201, MS)
    process.request = 7
    tree.exited(Exited(T0 + 3 * MS, 201, 0, None))
    assert tree.made_for(7, 201, T0) is process
    assert tree.made_for(8, 201, T0) is None and tree.made_for(7, 100, T0) is None


def test_an_exit_waits_for_the_account_of_what_it_spent() -> None:
    tree = lineage()
    tree.awaits_accounts = True
    process = born(tree, 200, 0)
    process.request = 7
    tree.execed(cgi(1 * MS, 200))
    tree.exited(Exited(T0 + 3 * MS, 200, 0, None))
    (birth,) = tree.settle(T0 + 4 * MS)
    assert isinstance(birth, ProcessBorn)
    tree.spent(Spent(T0 + 5 * MS, 200, 1_800_000, 2_000_000, 3 * MS))
    tree.spent(Spent(T0 + 5 * MS, 201, 9_900_000, 9_000_000, 3 * MS))
    (death,) = tree.settle(T0 + 5 * MS)
    assert isinstance(death, ProcessExited)
    assert (death.cpu_ns, death.max_rss_bytes) == (1_800_000, 2_000_000)


def test_an_exit_whose_account_was_lost_is_told_all_the_same() -> None:
    tree = lineage()
    tree.awaits_accounts = True
    process = born(tree, 200, 0)
    process.request = 7
    tree.execed(cgi(1 * MS, 200))
    tree.exited(Exited(T0 + 3 * MS, 200, 0, None))
    tree.settle(T0 + 4 * MS)
    assert tree.settle(T0 + 92 * MS) == []
    (death,) = tree.settle(T0 + 93 * MS)
    assert isinstance(death, ProcessExited)
    assert (death.cpu_ns, death.max_rss_bytes) == (None, None), "unknown is not 0"
