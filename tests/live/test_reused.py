"""Apache keeps its connections to php-fpm: ten thousand requests on a few of them, each with the
process that read it. X-Worker-Pid is the witness, and gwtop never reads it."""

from collections import Counter
from pathlib import Path

import pytest

from gwtop.taps import tracefs
from tests.live import _short_cgi as short
from tests.live._php import pool
from tests.live._running import Fact, need_root, of_type, running

pytestmark = pytest.mark.live
N = 10_000
N_CHILDREN = 16  # Apache keeps a connection for each of its threads
PROXY = """
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule proxy_module {modules}/mod_proxy.so
LoadModule proxy_fcgi_module {modules}/mod_proxy_fcgi.so
StartServers 2
ThreadsPerChild 8
MaxRequestWorkers 16
ProxyPass / fcgi://127.0.0.1:{back}/ enablereuse=on
ProxyFCGISetEnvIf true SCRIPT_FILENAME {page}
"""


def witness(request: Fact) -> str | None:
    return dict(request["response_fields"]).get("X-Worker-Pid")


@pytest.mark.timeout(180)
def test_ten_thousand_requests_on_kept_connections_have_their_worker(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    need_root()
    if not tracefs.may_make():
        pytest.skip("needs tracefs (mount -t tracefs nodev /sys/kernel/tracing)")
    with (
        pool(tmp_path, N_CHILDREN) as (back, page),
        short.apache(tmp_path, PROXY, back=back, page=page) as front,
        running("attach", "--port", str(back), "--json", "--details") as gwtop,
    ):
        gwtop.await_type("hello")
        short.load(front, N, 16)
        gwtop.await_fact(
            lambda f: f["type"] == "tick" and (f["requests"] >= N or any(f["missed"].values()))
        )
        assert gwtop.interrupt() == 130
    requests, missed = of_type(gwtop.facts, "request"), gwtop.facts[-1]["missed"]
    wrong = [r for r in requests if str(r["pid"]) != witness(r)]
    n_connections = len({r["connection"] for r in requests})
    with capsys.disabled():
        evidence = dict(Counter(r["evidence"] for r in requests))
        print(f"\n{len(requests)} requests on {n_connections} connections, {evidence}, {missed}")
    assert len(requests) == N and set(missed.values()) == {0}
    assert not wrong, wrong[:2]
    assert {r["evidence"] for r in requests} == {"kernel"}
    assert n_connections < N / 10
    assert gwtop.facts[-1]["model"] == "worker-pool"
