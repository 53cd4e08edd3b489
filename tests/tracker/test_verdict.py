"""The verdict: rules in their order, and the numbers in the sentence."""

from gwtop.nouns.times import MILLISECOND_NS as MS
from gwtop.tracker.verdict import WINDOW, Answered, Verdict


def answered(
    pid: int | None, thread: int | None = None, reader: int | None = None, births: int = 0
) -> Answered:
    return Answered(pid, thread, reader, births, births > 0)


def verdict(*requests: Answered) -> Verdict:
    judge = Verdict()
    for request in requests:
        judge.answered(request)
    return judge


def test_four_requests_say_nothing() -> None:
    judge = verdict(*[answered(1, births=1)] * 4)
    assert judge.judge([1], None) == (None, None)
    judge.answered(answered(1, births=1))
    assert judge.judge([1], None)[0] == "process-per-request"


def test_process_per_request_needs_nine_in_ten() -> None:
    judge = verdict(*[answered(n, births=1) for n in range(9)], answered(None))
    judge.lived(41 * MS)
    assert judge.judge([100], None) == (
        "process-per-request",
        "10 requests, 9 processes born for them, median life 41 ms",
    )
    judge.answered(answered(None))
    assert judge.judge([100], None)[0] != "process-per-request"


def test_a_pool_is_two_that_can_answer_even_if_one_did() -> None:
    judge = verdict(*[answered(7)] * 6)
    assert judge.judge([7, 8], None) == (
        "worker-pool",
        "6 requests by 1 worker, none born for them, busiest worker served 6",
    )


def test_a_pool_whose_pids_are_not_known_is_still_a_pool() -> None:
    judge = verdict(*[answered(None)] * 6)
    assert judge.judge([7, 8], None) == (
        "worker-pool",
        "6 requests, 2 processes able to answer, none born for them",
    )


def test_one_process_is_single() -> None:
    judge = verdict(*[answered(7)] * 6)
    assert judge.judge([7], None) == (
        "single-process",
        "6 requests by one process, none born for them",
    )


def test_two_threads_of_one_process_are_threaded() -> None:
    judge = verdict(*[answered(7, thread=n % 2) for n in range(6)])
    assert judge.judge([7], None) == ("threaded", "6 requests by 2 threads of one process")


def test_a_web_server_that_answers_what_it_reads_with_an_interpreter_inside_is_embedded() -> None:
    judge = verdict(*[answered(n % 3, reader=n % 3) for n in range(6)])
    assert judge.judge([0, 1, 2], "libphp8.2.so") == (
        "embedded",
        "6 requests by a web server with libphp8.2.so inside",
    )
    unknown = verdict(*[answered(None) for _ in range(6)])
    assert unknown.judge([0, 1, 2], "libphp8.2.so")[0] == "worker-pool"
    passed_on = verdict(*[answered(n % 3, reader=9) for n in range(6)])
    assert passed_on.judge([0, 1, 2], "libphp8.2.so")[0] == "worker-pool"


def test_the_verdict_changes_when_the_facts_do() -> None:
    judge = verdict(*[answered(n, births=1) for n in range(WINDOW)])
    assert judge.judge([1, 2], None)[0] == "process-per-request"
    for n in range(WINDOW):
        judge.answered(answered(n % 2))
    model, sentence = judge.judge([1, 2], None)
    assert model == "worker-pool"
    assert sentence is not None and sentence.startswith(f"the newest {WINDOW} of {2 * WINDOW}")
