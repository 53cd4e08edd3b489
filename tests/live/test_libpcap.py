"""The same requests through libpcap as through the ring, on the same traffic."""

import http.client
from ctypes.util import find_library
from pathlib import Path

import pytest

from tests.live._running import Fact, need_root, nginx, of_type, running, uwsgi

pytestmark = pytest.mark.live
N_REQUESTS = 100
OF_ITS_OWN = ("id", "connection", "at", "began_at", "duration_ns", "first_byte_ns", "queue_ns")
"""Numbers of each engine, and times: two sockets stamp one frame differently."""


def same(request: Fact) -> Fact:
    return {key: value for key, value in request.items() if key not in OF_ITS_OWN}


@pytest.mark.parametrize("protocol", ["uwsgi", "fastcgi"])
def test_libpcap_sees_what_the_ring_sees(tmp_path: Path, protocol: str) -> None:
    need_root()
    if find_library("pcap") is None:
        pytest.skip("needs libpcap (apt-get install libpcap0.8)")
    with uwsgi(tmp_path, protocol) as (port, _):
        location = (
            f"location / {{ include /etc/nginx/{protocol}_params; "
            f"{protocol}_pass 127.0.0.1:{port}; }}"
        )
        asked = ("attach", "--port", str(port), "--requests", str(N_REQUESTS), "--json")
        with (
            nginx(tmp_path, location) as (front, _),
            running(*asked) as ring,
            running(*asked, "--capture", "libpcap") as libpcap,
        ):
            for gwtop, name in ((ring, "ring"), (libpcap, "libpcap")):
                hello = gwtop.await_type("hello")
                states = {tap["name"]: tap["state"] for tap in hello["taps"]}
                assert states[name] == "open"
                assert len(states.keys() & {"ring", "libpcap"}) == 1
            client = http.client.HTTPConnection("127.0.0.1", front, timeout=20)
            for n in range(N_REQUESTS):
                path = f"/big?bytes={n * 3000}" if n % 2 else "/echo"
                client.request("GET" if n % 2 else "POST", path, b"x" * n if n % 2 == 0 else None)
                assert client.getresponse().read() is not None
            assert ring.finish() == libpcap.finish() == 0
    seen = [sorted(map(same, of_type(g.facts, "request")), key=str) for g in (ring, libpcap)]
    assert len(seen[0]) == N_REQUESTS
    assert seen[0] == seen[1]
    assert libpcap.facts[-1]["missed"]["frames"] == 0
