"""Scripts: why what a front started for a request gave no answer. Pure.

In: a settled exchange, and the process that was made for it with what exec said. Out: a remark
that says what to do. It refuses to know which front it is, and to suspect an answer that the
script gave itself: a 500 that a script meant is none of its business.

A front answers for a script that could not: with a page of its own, with 403, 500 or 502, or (a
back end) with no head at all. Three things tell why, the first that is there counts: the errno
that exec gave (`ExecRefused`), the exit code by the shell's custom (126, 127), the front's page.
"""

from gwtop.nouns.events import Remark
from gwtop.protocols._remarks import no_answer_header
from gwtop.tracker.exchange import Exchange
from gwtop.tracker.exchanges import SHEBANG
from gwtop.tracker.lineage import Lineage
from gwtop.tracker.process import Process

ENOENT, ENOEXEC, EACCES = 2, 8, 13  # errno-base.h
NOT_FOUND, NOT_EXECUTABLE = 127, 126  # POSIX shell 2.8.2; env(1), execvp's callers follow it
SIGTERM = 15
NEVER_RAN = frozenset({99, 126, 127, 255, ENOENT, ENOEXEC, EACCES})
"""With what a process ends that could not become a program: fcgiwrap 99, the shell's custom, APR
and Python's subprocess 255, lighttpd the errno."""
REFUSALS = frozenset({403, 500, 502, 503})
"""What fronts say of a script that they could not run: fcgiwrap 403 and 502, the others 500."""
OWN_PAGES = (
    b"<p>The server encountered an internal error or\nmisconfiguration",  # Apache 2.4
    b" <body>\n  <h1>500 Internal Server Error</h1>\n </body>\n</html>",  # lighttpd 1.4
    b"An error occurred while reading CGI reply",  # fcgiwrap 1.1
    b"Bad Gateway: the ",  # the front of the demos
)
MAX_SHOWN = 160


def remark(exchange: Exchange, lineage: Lineage) -> Remark | None:
    """Why the answer is not the script's own. None: it is, or there was no script."""
    process = lineage.made_for(exchange.id, exchange.pid, exchange.began_at)
    if process is None:
        return None if exchange.births else _sent_as_text(exchange)
    if process.alive:
        return None
    refusal = lineage.refusal(process)
    if not process.execed:
        return _never_ran(exchange, process, refusal)
    return _ran_in_vain(exchange, process, refusal)


def _never_ran(exchange: Exchange, process: Process, error: int | None) -> Remark | None:
    """It was forked to become a program, and ended as what it was."""
    status = exchange.status
    if status is not None and status < 400:
        return None
    path = _script(exchange, process)
    told = _refused(path or "SCRIPT", error)
    if told is not None:
        return told._replace(text=f"{path or 'The script'} was not run: {told.text}")
    if error is None and (process.code not in NEVER_RAN or status not in REFUSALS):
        return None
    why = "its process became no program" if error is None else f"exec gave error {error}"
    return Remark(
        None,
        "script-not-run",
        "error",
        f"{path or 'The script'} was not run: {why}, and ended with code {process.code}. Look "
        "whether the file is there and has its execute bit (chmod +x), and for the interpreter in "
        "its first line.",
    )


def _refused(path: str, error: int | None) -> Remark | None:
    """What exec's errno means for a script; the text goes on after "was not run: "."""
    if error == EACCES:
        text = (
            f"permission denied. Give it its execute bit: chmod +x {path}. Its interpreter and the "
            "folders above both must be open to the server's user, too."
        )
        return Remark(None, "script-not-executable", "error", text)
    if error == ENOENT:
        text = (
            "the interpreter that its first line names is not there, or that line ends in CR, "
            f"which then belongs to the name: head -1 {path} | cat -A"
        )
        return Remark(None, "script-interpreter-missing", "error", text)
    if error == ENOEXEC:
        text = (
            "the kernel knows no such program. Its first line has to be #! and the path of an "
            "interpreter, with nothing before it."
        )
        return Remark(None, "script-not-a-program", "error", text)
    return None


def _ran_in_vain(exchange: Exchange, process: Process, refusal: int | None) -> Remark | None:
    """It became a program, which ended without an answer. A front that has read the end of its
    output may be quicker with its SIGTERM than the program with its exit code."""
    stopped = process.signal == SIGTERM
    if not _is_the_fronts_own(exchange):
        return None
    path = _script(exchange, process)
    words = [word.decode("latin-1") for word in process.argv or ()]
    wanted = _wanted(words) or "a program"
    if any(word.endswith("\r") for word in words[:2]):
        text = (
            f"The first line of {path or 'the script'} ends in CR, as lines do on Windows, and "
            f"{wanted!r} was looked for: write the file with LF alone."
        )
        return Remark(None, "script-interpreter-missing", "error", text)
    if process.code == NOT_FOUND or (stopped and refusal == ENOENT):
        text = (
            f"{process.name} did not find {wanted} (code 127). Install it, or name in the "
            "script's first line one that is there, with its whole path."
        )
        return Remark(None, "script-interpreter-missing", "error", text)
    if process.code == NOT_EXECUTABLE:
        text = (
            f"{process.name} ended with code 126: it found {wanted} and may not execute it. Give "
            "it its execute bit (chmod +x)."
        )
        return Remark(None, "script-not-executable", "error", text)
    if process.signal is not None and not stopped:
        text = f"{path or process.name} was ended by signal {process.signal} before it had answered"
        return Remark(None, "worker-killed", "error", f"{text}: no memory, a limit, or a crash.")
    ended = "SIGTERM" if stopped else f"code {process.code}"
    did = "printed no header block" if exchange.status != 200 else "named no Content-Type"
    return no_answer_header(exchange.stream, f"{path or process.name} ended with {ended} and {did}")


def _is_the_fronts_own(exchange: Exchange) -> bool:
    if exchange.status is None:
        return exchange.outcome != "partial"
    if exchange.status >= 500:
        return any(page in (exchange.opening or b"") for page in OWN_PAGES)
    # lighttpd takes what has no head for a body. RFC 3875 6.3.1: with a body comes Content-Type.
    return exchange.status == 200 and exchange.response_body_bytes > 0 and not _has_type(exchange)


def _has_type(exchange: Exchange) -> bool:
    block = exchange.response_block
    pairs = [] if block is None else exchange.hop.protocol.response_fields(block)
    return any(name.lower() == b"content-type" for name, _ in pairs)


def _sent_as_text(exchange: Exchange) -> Remark | None:
    """What should have run was read to the client, secrets and all. Shell scripts are offered for
    download (`curl ... | sh`) as often, so for them the path has to say what they are."""
    opening = exchange.opening or b""
    if exchange.method != b"GET" or exchange.status != 200 or not opening.startswith(SHEBANG):
        return None
    first_line = opening.partition(b"\n")[0][:MAX_SHOWN].decode("latin-1").rstrip()
    if first_line.endswith("sh") and b"cgi" not in (exchange.target or b""):
        return None
    return Remark(
        exchange.stream,
        "script-sent-as-text",
        "warn",
        f"The answer begins with {first_line}: the server sent a script's text instead of running "
        "it. It lacks its execute bit (chmod +x), or the path its handler.",
    )


def _script(exchange: Exchange, process: Process) -> str | None:
    """The file, by the variables of the process or of the request."""
    variables = process.environ if process.execed and process.environ else {}
    path = variables.get(b"SCRIPT_FILENAME")
    if path is None and exchange.block is not None:
        fields = dict(exchange.hop.protocol.request_fields(exchange.block))
        path = fields.get(b"SCRIPT_FILENAME")
    return None if path is None else path[:MAX_SHOWN].decode("latin-1")


def _wanted(words: list[str]) -> str:
    """What env was to find: its first word that is no option and sets no variable."""
    if not words or words[0].rpartition("/")[2] != "env":
        return ""
    wanted = (word for word in words[1:] if not word.startswith("-") and "=" not in word)
    return next(wanted, "")
