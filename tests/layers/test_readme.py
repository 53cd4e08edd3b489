"""What the README says of the layers, run: its example by doctest, its reassembly."""

import doctest
import json
from pathlib import Path

import pytest
from scapy.layers.inet import TCP
from scapy.sessions import TCPSession
from scapy.utils import rdpcap

from gwtop import layers
from tests._replay import CAPTURES

README = Path(__file__).parents[2] / "README.md"


def test_the_example_of_the_readme_gives_what_it_shows() -> None:
    result = doctest.testfile(str(README), module_relative=False)
    assert result.attempted >= 6
    assert result.failed == 0


@pytest.mark.parametrize(
    ("name", "parts"),
    [("fastcgi/nginx-uwsgi", "records"), ("ajp/apache-flup", "packets")],
)
def test_scapys_own_reassembly_gives_whole_messages(name: str, parts: str) -> None:
    protocol = name.split("/")[0]
    port = json.loads((CAPTURES / f"{name}.truth.json").read_text(encoding="utf-8"))["port"]
    layer = layers.layer_of(protocol)
    n_bytes = n_told = 0
    with layers.bound(**{protocol: port}):
        session = TCPSession()
        for packet in rdpcap(str(CAPTURES / f"{name}.pcap")):
            if packet[TCP].dport != port:
                continue
            n_bytes += len(packet[TCP].payload.original)
            told = session.process(packet)
            if told is not None and layer in told:
                n_told += sum(len(bytes(part)) for part in getattr(told[layer], parts))
    assert n_told == n_bytes > 5000
