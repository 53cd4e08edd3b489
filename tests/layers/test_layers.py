"""The layers as a whole: nothing is bound by importing, everything is in a real interpreter."""

import subprocess
import sys

import pytest
from scapy.layers.inet import IP, TCP

from gwtop import layers

PROTOCOLS = ("ajp", "fastcgi", "scgi", "uwsgi")

COUNT_BINDINGS = """
import scapy.all
from scapy.layers.inet import TCP
before = len(TCP.payload_guess)
import gwtop.layers
for name in {protocols}:
    gwtop.layers.layer_of(name)
print(len(TCP.payload_guess) - before)
gwtop.layers.bind(fastcgi=9000, scgi=[4000, 4001])
print(len(TCP.payload_guess) - before)
"""


def test_importing_binds_nothing_and_bind_binds_both_directions() -> None:
    code = COUNT_BINDINGS.format(protocols=PROTOCOLS)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["0", "6"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "garbage", [b"\0" * 40, b"\xff" * 40, b"GET / HTTP/1.1\r\n\r\n", b"\x01\x06\x00", b"9:"]
)
def test_garbage_on_a_bound_port_stays_as_it_was(protocol: str, garbage: bytes) -> None:
    frame = bytes(IP() / TCP(dport=19000) / garbage)
    with layers.bound(**{protocol: 19000}):
        assert bytes(IP(frame)) == frame


def test_an_unknown_protocol_is_an_error() -> None:
    with pytest.raises(ModuleNotFoundError):
        layers.bind(gopher=70)
