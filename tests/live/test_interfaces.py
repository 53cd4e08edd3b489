"""Captures whose interface goes down, goes away and comes back, in a network of their own.

Needs root, unshare and ip. In: a namespace with a veth or its loopback. Out: what the taps tell.
"""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.live._running import need_program

pytestmark = pytest.mark.live

INSIDE = """
import json, select, socket, subprocess, sys
from gwtop import clock
from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Frames, Missed, Observed
from gwtop.taps import interfaces, libpcap, ring
kind, interface = sys.argv[1:]
def ip(words):
    subprocess.run(["ip", *words.split()], check=True)
def make():
    if interface == "lo":
        ip("link set lo up")
    else:
        ip("link add v0 type veth peer name v1")
        ip("link set v0 up")
        ip("link set v1 up")
make()
plan = Plan(ports=(80,), interface=interface, capture=kind)
tap = {"ring": ring.Ring, "libpcap": libpcap.Libpcap}[kind](plan, clock.now())
told = []
def look(what):
    rounds, seen = 0, []
    for rounds in range(1, 20):
        poller = select.poll()
        if tap.fileno() >= 0:
            poller.register(tap.fileno(), select.POLLIN)
        if not poller.poll(100):
            break
        for record in tap.read(clock.now()):
            if isinstance(record, Frames):
                seen.append("frames")
            elif isinstance(record, Missed):
                seen.append(["missed", record.what, record.n])
            elif isinstance(record, Observed):
                seen.append([record.code, record.severity])
    told.append([what, rounds, seen, tap.state.state])
def speak():
    one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    one.bind(("v1" if interface == "v0" else "lo", 0))
    ethernet = bytes(12) + b"\\x08\\x00"
    packet = bytes([0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1])
    one.send(ethernet + packet + bytes([0, 80, 0, 80]) + bytes(8) + bytes([0x50, 2]) + bytes(6))
    one.close()
look("idle")
speak()
look("up")
ip(f"link set {interface} down")
look("down")
ip(f"link set {interface} up")
speak()
look("up again")
if interface != "lo":
    ip("link del v0")
    look("gone")
    make()
    due = tap.due_at()
    if due is not None:
        told.append(["returned", 1, [record.code for record in tap.read(due)], tap.state.state])
    speak()
    look("back")
tap.close()
print(json.dumps(told))
"""


def told(kind: str, interface: str) -> dict[str, tuple[int, list[Any], str]]:
    need_program("unshare", "util-linux")
    need_program("ip", "iproute2")
    if subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode != 0:
        pytest.skip("no network namespace may be made here")
    command = ["unshare", "-n", sys.executable, "-c", INSIDE, kind, interface]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if "Unknown device type" in done.stderr:
        pytest.skip("this kernel has no veth")
    assert done.returncode == 0, done.stderr
    return {what: (rounds, seen, state) for what, rounds, seen, state in json.loads(done.stdout)}


def test_the_ring_of_an_interface_that_goes_down_waits_and_goes_on() -> None:
    seen = told("ring", "lo")
    assert "frames" in seen["up"][1]
    rounds, down, state = seen["down"]
    assert rounds <= 3, "woken again and again by an interface that is down"
    assert down == [["interface-down", "warn"], ["missed", "frames", None]] and state == "open"
    assert seen["up again"][1] == ["frames"]


def test_the_ring_finds_an_interface_again_that_was_removed() -> None:
    seen = told("ring", "v0")
    assert seen["gone"] == (2, [["interface-down", "error"], ["missed", "frames", None]], "open")
    assert seen["returned"][1] == ["interface-back"]
    assert "frames" in seen["back"][1]


def test_libpcap_goes_on_after_down_and_is_shut_when_its_interface_is_removed() -> None:
    pytest.importorskip("scapy.libs.winpcapy", reason="libpcap is missing (libpcap0.8)")
    seen = told("libpcap", "v0")
    assert seen["down"][2] == seen["up again"][2] == "open"
    assert "frames" in seen["up again"][1]
    rounds, gone, state = seen["gone"]
    assert gone == [["interface-down", "error"], ["missed", "frames", None]]
    assert state == "absent" and rounds <= 3
