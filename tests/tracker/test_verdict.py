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


def test_processes_that_were_born_and_not_matched_do_not_make_a_pool() -> None:
    judge = verdict(*[answered(n, births=1) for n in range(5)], *[answered(None)] * 95)
    judge.lived(2 * MS)
    assert judge.judge([100, 101], None, n_born=100) == (
        "process-per-request",
        "100 requests, 100 processes born, 5 of them matched, median life 2 ms",
    )
    assert judge.judge([100, 101], None, n_born=60)[0] == "worker-pool", "not one for each"
    some_else = verdict(*[answered(n, births=1) for n in range(5)], *[answered(7)] * 95)
    assert some_else.judge([7], None, n_born=100)[0] == "worker-pool"


def test_four_that_are_known_say_nothing_of_a_hundred() -> None:
    judge = verdict(*[answered(n, births=1) for n in range(4)], *[answered(None)] * 96)
    assert judge.judge([100, 101], None, n_born=100) == (
        "worker-pool",
        "100 requests, 2 processes able to answer, 4 processes born for them",
    )
    none = verdict(*[answered(None)] * 10)
    assert none.judge([100, 101], None, n_born=10) == (
        "worker-pool",
        "10 requests, 2 processes able to answer, 10 processes born meanwhile",
    )


def test_a_process_that_was_born_for_a_request_is_no_worker_of_the_pool() -> None:
    helped = verdict(*[answered(n, births=1) for n in range(50, 53)], *[answered(7)] * 6)
    assert helped.judge([7, 8], None, n_born=3) == (
        "worker-pool",
        "9 requests by 1 worker, 3 processes born for them, busiest worker served 6",
    )


def test_workers_that_leave_and_are_replaced_are_a_pool_and_are_born_for_nobody() -> None:
    judge = verdict(*[answered(n // 10) for n in range(100)])
    assert judge.judge([8, 9], None, n_born=10) == (
        "worker-pool",
        "100 requests by 10 workers, none born for them, busiest worker served 10",
    )


def test_a_pool_that_grows_or_shrinks_is_judged_by_what_is_remembered() -> None:
    judge = verdict(*[answered(7)] * 10)
    assert judge.judge([7], None)[0] == "single-process"
    assert judge.judge([7, 8], None, n_born=1)[0] == "worker-pool"
    judge.answered(answered(8))
    assert judge.judge([7], None, n_born=1)[0] == "worker-pool"
    for _ in range(WINDOW):
        judge.answered(answered(7))
    assert judge.judge([7], None, n_born=1)[0] == "single-process"


def test_many_requests_at_once_in_one_thread_are_no_threads() -> None:
    judge = verdict(*[answered(7, thread=7)] * 300)
    assert judge.judge([7], None) == (
        "single-process",
        "300 requests by one process, none born for them",
    )
    judge.answered(answered(7, thread=9))
    assert judge.judge([7], None)[0] == "threaded"


def test_threads_of_several_processes_are_a_pool() -> None:
    judge = verdict(*[answered(7 + n % 2, thread=n % 8) for n in range(40)])
    assert judge.judge([7, 8], None)[0] == "worker-pool"


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


def blind(*requests: Answered) -> Verdict:
    judge = verdict(*requests)
    judge.misses_births = True
    return judge


def test_where_short_lives_are_missed_none_born_is_no_verdict_but_a_doubt() -> None:
    short = [Answered(7, 7, 7, 0, False, 40 * MS)] * 30
    assert blind(*short).judge([7], None) == (
        None,
        "30 requests by one process, none born for them; "
        "what lived less than 0.1 s may have been missed: no verdict",
    )
    model, evidence = blind(*short).judge([7, 8], None)
    assert model is None and evidence is not None and "by 1 worker" in evidence
    assert verdict(*short).judge([7], None)[0] == "single-process"


def test_long_requests_for_which_nothing_was_born_take_the_doubt_away() -> None:
    short = [Answered(7, 7, 7, 0, False, 40 * MS)] * 30
    long = [Answered(7, 7, 7, 0, False, 300 * MS)] * 3
    assert blind(*short, *long[:2]).judge([7], None)[0] is None
    assert blind(*short, *long).judge([7], None)[0] == "single-process"
    assert blind(*short, *long).judge([7, 8], None)[0] == "worker-pool"
    helped = [Answered(7, 7, 7, 1, False, 300 * MS)] * 3
    assert blind(*short, *helped).judge([7], None)[0] is None
    assert blind(*short, *long, *helped).judge([7], None)[0] is None, "some waited, some were born"


def test_what_was_seen_to_be_born_needs_no_doubt() -> None:
    assert blind(*[answered(n, births=1) for n in range(9)]).judge([7], None)[0] == (
        "process-per-request"
    )


def test_one_process_that_others_hand_requests_to_is_a_pool_of_one_so_far() -> None:
    behind = verdict(*[answered(7, reader=n % 4) for n in range(40)])
    assert behind.judge([7], None) == (
        "worker-pool",
        "40 requests by 1 worker, none born for them, busiest worker served 40",
    )
