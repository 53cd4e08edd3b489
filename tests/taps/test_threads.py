"""Threads: whose they are, also when they are gone before anybody could look."""

import os
import threading

from gwtop.taps.threads import CLONE_THREAD, MAX_KNOWN, Threads

GHOST = 1 << 30
"""Beyond pid_max: /proc knows nothing of it."""


def test_a_thread_belongs_to_its_makers_process_and_so_do_its_own_threads() -> None:
    threads = Threads()
    threads.born(GHOST, os.getpid(), CLONE_THREAD)
    threads.born(GHOST + 1, GHOST, CLONE_THREAD)
    assert (threads.pid_of(GHOST), threads.pid_of(GHOST + 1)) == (os.getpid(), os.getpid())


def test_a_process_is_its_own_and_a_reused_id_is_never_mistaken() -> None:
    threads = Threads()
    threads.born(GHOST, os.getpid(), CLONE_THREAD)
    threads.born(GHOST, os.getpid(), 0)
    assert threads.pid_of(GHOST) == GHOST


def test_a_thread_of_an_unknown_maker_is_unknown_even_if_its_id_was_known() -> None:
    threads = Threads()
    threads.born(GHOST, os.getpid(), CLONE_THREAD)
    threads.born(GHOST, GHOST + 7, CLONE_THREAD)
    assert threads.pid_of(GHOST) is None


def test_threads_that_were_there_before_are_asked_of_proc_and_learned_while_they_live() -> None:
    done, ready, ids = threading.Event(), threading.Event(), []

    def live() -> None:
        ids.append(threading.get_native_id())
        ready.set()
        done.wait()

    thread = threading.Thread(target=live)
    thread.start()
    ready.wait()
    asked, followed = Threads(), Threads()
    assert asked.pid_of(ids[0]) == os.getpid()
    followed.belong_to([os.getpid(), GHOST])
    done.set()
    thread.join()
    assert followed.pid_of(ids[0]) == os.getpid()
    followed.forget()
    assert followed.pid_of(GHOST) is None


def test_what_is_known_is_bounded() -> None:
    threads = Threads()
    for n in range(MAX_KNOWN + 1):
        threads.born(GHOST + n, GHOST, 0)
    assert threads.pid_of(GHOST) is None and threads.pid_of(GHOST + 1) == GHOST + 1
