"""Signals: they wake a poll, the first one counts, and what was there before comes back."""

import os
import select
import signal

import pytest

from gwtop.cli.signals import Signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_wakes_a_poll_and_is_remembered(number: signal.Signals) -> None:
    with Signals() as signals:
        poller = select.poll()
        poller.register(signals.fileno(), select.POLLIN)
        os.kill(os.getpid(), number)
        assert poller.poll(10_000) == [(signals.fileno(), select.POLLIN)]
        assert signals.first == number
        signals.clear()
        assert poller.poll(0) == []


def test_the_first_signal_decides_and_all_are_counted() -> None:
    with Signals() as signals:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        assert (signals.first, signals.n_seen) == (signal.SIGTERM, 2)


def test_what_was_there_before_comes_back() -> None:
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with Signals():
        pass
    after = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    assert after == before


def test_a_hang_up_that_nohup_ignores_stays_ignored() -> None:
    old = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Signals() as signals:
            os.kill(os.getpid(), signal.SIGHUP)
            assert signals.first is None
    finally:
        signal.signal(signal.SIGHUP, old)
