"""Wishes for details, granted by a real engine that watches a real server.

In: `gwtop attach --json` with wishes on its stdin, requests of a plain client. Out: the bytes that
client and server exchanged, record by record, without their secrets.
"""

import base64
import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.live.test_anatomy import server as server  # a fixture
from tests.live.test_anatomy import told

pytestmark = pytest.mark.live
HEADERS = {"Cookie": "sid=0123456789", "X-Probe": "here"}


@contextmanager
def engine(port: int, *more: str) -> Iterator["subprocess.Popen[bytes]"]:
    if os.geteuid() != 0:
        pytest.skip("needs root (AF_PACKET)")
    command = [sys.executable, "-m", "gwtop", "attach", "--port", str(port), "--json", *more]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as made:
        told(made, "hello")
        yield made
        assert made.stdin is not None
        made.stdin.close()
        made.terminate()


def ask(client: http.client.HTTPConnection, target: str) -> None:
    client.request("GET", target, headers=HEADERS)
    client.getresponse().read()


def wish(made: "subprocess.Popen[bytes]", id: object) -> dict[str, object]:
    assert made.stdin is not None
    made.stdin.write(json.dumps({"wish": "detail", "id": id}).encode() + b"\n")
    made.stdin.flush()
    return told(made, "detail")


def check(detail: dict[str, object], target: str) -> None:
    assert detail["kept"] is True
    data = base64.b64decode(str(detail["data"]))
    assert data.startswith(f"GET {target} HTTP/1.1\r\n".encode())
    assert b"X-Probe: here" in data and b"0123456789" not in data
    answer = detail["answer_offset"]
    assert isinstance(answer, int) and data[answer:].startswith(b"HTTP/1.1 200 OK\r\n")
    names = [record["name"] for record in detail["records"]]  # type: ignore[attr-defined]
    assert names == ["request head", "response head"]


def test_the_first_wish_begins_the_keeping_and_the_next_request_is_told(
    server: tuple[int, int],
) -> None:
    _, port = server
    with engine(port) as made:
        client = http.client.HTTPConnection("127.0.0.1", port)
        ask(client, "/one")
        assert wish(made, told(made, "request")["id"])["kept"] is False
        ask(client, "/two")  # on the same connection
        check(wish(made, told(made, "request")["id"]), "/two")


def test_a_screens_engine_keeps_from_the_start_and_answers_when_all_is_told(
    server: tuple[int, int],
) -> None:
    _, port = server
    with engine(port, "--wishes", "--requests", "2") as made:
        client = http.client.HTTPConnection("127.0.0.1", port)
        ask(client, "/one")
        first = told(made, "request")["id"]
        ask(client, "/two")
        told(made, "summary")
        check(wish(made, first), "/one")
        assert wish(made, 99)["kept"] is False
        assert made.poll() is None
        assert made.stdin is not None
        made.stdin.close()
        assert made.wait(timeout=20) == 0
