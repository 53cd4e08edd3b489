"""What all tests share: where a skip is not allowed, a skip is a failure.

In: pytest's reports. Out: the same, with skips of live tests turned into failures when
`--no-skips` asks for it. Knows nothing about gwtop.

A live test that lacks a server or a capability skips and says so; on a laptop that is right. On a
machine that was set up to have everything, a skip means that something is not being tested, and a
green run that tested nothing is how such tests rot.

What hypothesis makes up is the same in every run, or a red run would not come again for whoever
looks for its cause; `--hypothesis-profile=default` searches anew, tests/fuzz/ does it for hours.
"""

import signal
from collections.abc import Generator

import pytest
from hypothesis import settings

settings.register_profile("suite", derandomize=True, deadline=None)
settings.load_profile("suite")  # here, so that an option of the command line comes later and wins

ALLOWED_SKIPS = {
    "macOS": "runs only there",
    "this kernel": "the kernel is the machine's, nothing that a test run could install",
}
"""Words in a skip's reason that excuse it even under `--no-skips`, and why."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="a live test that skips is a failure")


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    longrepr = report.longrepr
    return str(longrepr[2] if isinstance(longrepr, tuple) else longrepr)


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    reason = _reason(report)
    if not any(word in reason for word in ALLOWED_SKIPS):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be skipped (--no-skips): {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    expected_to_fail = hasattr(report, "wasxfail")
    strict = item.config.getoption("--no-skips") and item.get_closest_marker("live")
    if report.skipped and strict and not expected_to_fail:
        _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    strict = collector.config.getoption("--no-skips") and "live" in collector.path.parts
    if report.skipped and strict:
        _refuse_skip(report)
    return report


def pytest_sessionstart(session: pytest.Session) -> None:
    """A hang-up means what it means to a shell, also when the run was started through nohup: the
    programs under test inherit it, and gwtop leaves an ignored hang-up ignored."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
