"""Fixed facts for screens and panels: two gateways that never change, and hostile text.

Out: lists of facts with round numbers, made by hand; no clock, no randomness.
"""

from gwtop.nouns.facts import (
    Hello,
    InFlight,
    Missing,
    Note,
    NoteText,
    Percentiles,
    ProcessBorn,
    ProcessExited,
    ProcessSample,
    ProcessSeen,
    QueueState,
    Request,
    Summary,
    Tap,
    Tick,
    Watched,
)
from gwtop.nouns.times import MILLISECOND_NS as MS
from gwtop.nouns.times import SECOND_NS as S
from gwtop.nouns.times import instant

T0 = 1_795_327_200 * S
"""2026-11-22T06:00:00Z."""
NOTHING_MISSED = Missing(frames=0, process_events=0, bytes=0, requests=0)
TARGETS = ("/", "/slow?ms=20", "/big?bytes=100000", "/users/17/cart", "/search?q=queue+of+the+pool")


def hello(protocol: str = "uwsgi", listen: str = "127.0.0.1:3031", **other: object) -> Hello:
    told = {
        "format": 1,
        "gwtop": "0.1",
        "host": "web1",
        "source": "live",
        "at": instant(T0),
        "watch": [Watched(listen, protocol)],
        "taps": [Tap("ring", "open", None), Tap("births", "open", None)],
    }
    return Hello(**(told | other))  # type: ignore[arg-type]


def request(n: int, at: int, **other: object) -> Request:
    took = other.pop("duration_ns", 12 * MS)
    assert took is None or isinstance(took, int)
    told: dict[str, object] = {
        "id": n,
        "connection": n,
        "stream": 0,
        "sequence": 0,
        "at": instant(at),
        "began_at": instant(at - (took or 0)),
        "protocol": "uwsgi",
        "client": f"127.0.0.1:{50000 + n % 1000}",
        "server": "127.0.0.1:3031",
        "method": "GET",
        "target": TARGETS[n % 5],
        "status": 200,
        "outcome": "done",
        "duration_ns": took,
        "first_byte_ns": None if took is None else took * 9 // 10,
        "queue_ns": None,
        "request_head_bytes": 412,
        "response_head_bytes": 77,
        "request_body_bytes": 0,
        "response_body_bytes": 1024,
        "lost_bytes": 0,
        "keep_alive": None,
        "stderr": None,
        "pid": None,
        "thread": None,
        "reader": None,
        "evidence": None,
        "births": [],
        "pair": None,
        "notes": [],
    }
    return Request(**(told | other))  # type: ignore[arg-type]


def seen(pid: int, parent: int, role: str, command: str) -> ProcessSeen:
    return ProcessSeen(
        at=instant(T0),
        pid=pid,
        parent=parent,
        name=command.split()[0],
        argv=command.split(),
        role=role,  # type: ignore[arg-type]
        born_at=instant(T0 - 3600 * S),
    )


def sample(at: int, pid: int, **other: object) -> ProcessSample:
    told = {
        "at": instant(at),
        "pid": pid,
        "role": "worker",
        "cpu_percent": 12.0,
        "rss_bytes": 44 << 20,
        "threads": 1,
        "fds": 9,
        "state": "S",
        "requests": 0,
        "busy_with": [],
    }
    return ProcessSample(**(told | other))  # type: ignore[arg-type]


def tick(at: int, n: int, **other: object) -> Tick:
    told = {
        "at": instant(at),
        "requests": n,
        "missed": NOTHING_MISSED,
        "in_flight": [],
        "busy": None,
        "idle": None,
        "queues": [],
        "model": None,
        "model_evidence": None,
        "watch": [Watched("127.0.0.1:3031", "uwsgi")],
    }
    return Tick(**(told | other))  # type: ignore[arg-type]


def born(pid: int, at: int, parent: int = 4700, **other: object) -> ProcessBorn:
    told = {
        "at": instant(at),
        "pid": pid,
        "parent": parent,
        "name": "hello.py",
        "argv": ["python3", "cgi-bin/hello.py"],
        "role": "cgi",
        "request": None,
    }
    return ProcessBorn(**(told | other))  # type: ignore[arg-type]


def exited(pid: int, at: int, **other: object) -> ProcessExited:
    told = {
        "at": instant(at),
        "pid": pid,
        "lifetime_ns": 38 * MS,
        "code": 0,
        "signal": None,
        "cpu_ns": 31 * MS,
        "max_rss_bytes": 12 << 20,
        "requests": 1,
    }
    return ProcessExited(**(told | other))  # type: ignore[arg-type]


def note(at: int, **other: object) -> Note:
    told = {
        "at": instant(at),
        "code": "worker-killed",
        "severity": "warn",
        "text": "worker 1210 was killed by signal 9 while it answered",
        "pid": 1210,
        "listen": None,
    }
    return Note(**(told | other))  # type: ignore[arg-type]


def summary(at: int, n: int, **other: object) -> Summary:
    told = {
        "at": instant(at),
        "requests": n,
        "in_flight": 0,
        "outcomes": {"done": n},
        "statuses": {"200": n},
        "duration_ns": Percentiles(p50=12 * MS, p90=20 * MS, p99=41 * MS, max=50 * MS),
        "queue_ns": None,
        "processes_born": 0,
        "processes_exited": 0,
        "processes_per_request": 0.0,
        "workers": 1,
        "model": None,
        "model_evidence": None,
        "evidence": {},
        "frames": 10 * n,
        "connections": n,
        "missed": NOTHING_MISSED,
        "notes": {},
    }
    return Summary(**(told | other))  # type: ignore[arg-type]


def pool() -> list[object]:
    """A master, four workers, 40 requests in ten seconds; two in flight, one failed."""
    facts: list[object] = [hello(), seen(1203, 1, "master", "uwsgi --socket :3031 -p 4")]
    facts += [seen(pid, 1203, "worker", "uwsgi --socket :3031 -p 4") for pid in range(1207, 1211)]
    for n in range(40):
        at = T0 + n * 250 * MS
        kind: dict[str, object] = {
            "pid": 1207 + n % 4,
            "evidence": "kernel",
            "queue_ns": n * MS // 4,
        }
        if n == 38:
            wrote = NoteText("stderr-text", "warn", "the worker wrote 3 lines to stderr")
            kind |= {"status": 500, "notes": [wrote], "stderr": "Traceback\n  boom\n"}
        details = {"fields": [("REQUEST_METHOD", "GET"), ("HTTP_COOKIE", "[redacted]")]}
        answer = {"response_fields": [("Content-Type", "text/plain")]}
        facts.append(request(n, at, duration_ns=(3 + n) * MS, **kind, **details, **answer))
    end = T0 + 10 * S
    flying = [
        InFlight(90, 90, "GET", "/report?id=8", instant(end - 38 * MS), 1207),
        InFlight(91, 91, "GET", "/search?q=a", instant(end - 212 * MS), 1208),
    ]
    for pid in range(1207, 1211):
        facts.append(sample(end, pid, requests=10, cpu_percent=71.0 - pid % 4))
    facts.append(sample(end, 1203, role="master", cpu_percent=0.0, rss_bytes=18 << 20))
    words = "40 requests by 4 workers, none born for them"
    told: dict[str, object] = {"model": "worker-pool", "model_evidence": words, "in_flight": flying}
    told["queues"] = [QueueState("127.0.0.1:3031", 3, 100)]
    return [*facts, tick(end, 40, busy=2, idle=2, **told)]


def rain() -> list[object]:
    """CGI: 30 requests, a process for each; one exits with 1, one was killed, one still lives."""
    listen = "127.0.0.1:40123"
    front = seen(4700, 1, "front", "python3 demo_cgi.py")
    facts: list[object] = [hello("http", listen), front]
    for n in range(30):
        at, pid = T0 + n * 200 * MS, 4701 + n
        facts.append(born(pid, at - 38 * MS))
        end = {7: {"code": 1}, 29: {"code": None, "signal": 9}}.get(n, {})
        who = {"pid": pid, "evidence": "environ" if n % 2 else "spawn", "births": [pid]}
        what = {"protocol": "http", "server": listen, "status": 500 if end else 200}
        facts.append(request(n, at, duration_ns=(20 + n) * MS, **who, **what))
        facts.append(exited(pid, at, lifetime_ns=(20 + n) * MS, **end))
    end_at = T0 + 6 * S
    facts.append(born(4731, end_at - 10 * MS))
    facts.append(sample(end_at, 4700, role="front", cpu_percent=3.0, rss_bytes=18 << 20))
    words = "30 requests, 30 processes born for them, median life 34 ms"
    flying = [InFlight(30, 30, "POST", "/echo", instant(end_at - 12 * MS), 4731)]
    told: dict[str, object] = {"model": "process-per-request", "model_evidence": words}
    told |= {"watch": [Watched(listen, "http")], "in_flight": flying}
    return [*facts, tick(end_at, 30, **told)]


NASTY = "".join(map(chr, range(0x20))) + "\x7f" + "".join(map(chr, range(0x80, 0xA0)))
HOSTILE = (
    "\x1b]0;owned\x07\x1b[2J\x1b[31m" + NASTY,
    "[red]markup[/red] [link=file:///etc/passwd]x[/link] [/]",
    "\u202egnp.exe\u2066\u200b\u200d\ufeff\ufe0f\u3164",
    "\u65e5\u672c\u8a9e\u306e".encode().decode("latin-1") * 20,
    "\u202e\u200b\x9b31m".encode().decode("latin-1"),
    "\xff\xfe\xc3(\xa0\xe2\x82",
    "\xed\xa0\x80\xed\xbf\xbf",
    "A" * 65536,
    "e" + "\u0301" * 500,
    "",
)


def hostile() -> list[object]:
    """Every string that the wire, argv or environ can fill, filled with each of HOSTILE."""
    facts: list[object] = [hello(listen=HOSTILE[0], protocol=HOSTILE[1])]
    for n, text in enumerate(HOSTILE):
        at = T0 + n * 100 * MS
        facts.append(born(100 + n, at, 1, name=text, argv=[text, text]))
        wild = {"method": text, "target": text, "client": text, "server": text, "protocol": text}
        more = {"fields": [(text, text)], "response_fields": [(text, text)], "stderr": text}
        body = {"request_body": text, "response_body": text + "\n" + text}
        said = [NoteText(text, "warn", text)]
        who = {"pid": 100 + n, "evidence": "environ", "births": [100 + n], "notes": said}
        facts.append(request(n, at, **wild, **more, **body, **who))
        facts.append(note(at, code=text + "x", text=text, severity="error"))
        if n % 2:
            facts.append(exited(100 + n, at))
    flying = [InFlight(900 + n, 1, t, t, instant(T0), 100 + n) for n, t in enumerate(HOSTILE)]
    queues = [QueueState(HOSTILE[0], 3, 100)]
    watch = [Watched(text, text) for text in HOSTILE[:3]]
    told: dict[str, object] = {"in_flight": flying, "queues": queues, "watch": watch}
    return [*facts, tick(T0 + 2 * S, 10, model="worker-pool", model_evidence=HOSTILE[0], **told)]
