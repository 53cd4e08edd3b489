"""Who listens on this machine: one look, with a guess at what is spoken. Nobody is asked anything.

In: this machine's tables of sockets and processes. Out: `Heard`, gateways first. It refuses to
know how a guess is made (`protocols._guess`) and what the sockets are for.

Listeners and their queues cost 0.1 ms and need no right; whose they are is found by looking at
every process's descriptors (20 us each), so an `Ears` that is kept looks there again only when the
set of listeners has changed. A descriptor table that is another user's stays shut without rights:
then the words of processes of the listener's user are searched for its address, which everybody
may read.
"""

import os
import pwd
import stat
import sys
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from gwtop.nouns.offers import Ear, Heard
from gwtop.protocols._guess import Guess, guess, guess_by_port, program, settings_files
from gwtop.taps import diag, kinship, listeners, proc
from gwtop.taps.diag import Listening

MAX_SETTINGS_BYTES = 256 * 1024
SOCKET = "socket:["
UNKNOWN_USER = ""


class Owner(NamedTuple):
    pid: int | None
    """None: found by its words alone, or not at all."""
    name: str
    guess: Guess | None
    n_owners: int


NOBODY = Owner(None, "", None, 0)


class Ears:
    """Looks again and again; what has not changed is not looked up twice."""

    def __init__(self) -> None:
        self._owners: dict[int, Owner] = {}
        """By inode."""
        self._n_hidden = 0

    def look(self) -> Heard:
        found = _listening()
        if {one.inode for one in found} != self._owners.keys():
            self._learn(found)
        ears = [_ear(one, self._owners[one.inode]) for one in _joined(found)]
        return Heard(sorted(ears, key=_place), self._n_hidden)

    def _learn(self, found: list[Listening]) -> None:
        held, hidden = _holders({f"{SOCKET}{one.inode}]" for one in found})
        self._n_hidden = len(hidden)
        self._owners = {}
        for one in found:
            pids = held.get(f"{SOCKET}{one.inode}]", [])
            self._owners[one.inode] = _owner(one, pids) if pids else _by_words(one, hidden)


def _listening() -> list[Listening]:
    try:
        return [*diag.tcp_listening(), *diag.unix_listening()]
    except OSError:  # a sandbox without sock_diag; what is left tells of TCP alone, and no queues
        return [
            Listening(f"{one.address}:{one.port}", one.address, one.port, 0, 0, one.inode, one.uid)
            for one in listeners.tcp()
        ]


def _joined(found: Iterable[Listening]) -> list[Listening]:
    """Sockets that share an address (SO_REUSEPORT) as one."""
    joined: dict[str, Listening] = {}
    for one in found:
        before = joined.get(one.listen)
        if before is not None:
            one = before._replace(
                pending=before.pending + one.pending, limit=before.limit + one.limit
            )
        joined[one.listen] = one
    return list(joined.values())


def _holders(links: set[str]) -> tuple[dict[str, list[int]], list[int]]:
    """Which processes hold which of these sockets, and the processes we may not look into."""
    held: dict[str, list[int]] = {}
    hidden: list[int] = []
    for pid in proc.all_pids():
        try:
            numbers = os.listdir(f"/proc/{pid}/fd")
        except proc.GONE:
            continue
        except proc.HIDDEN:
            hidden.append(pid)
            continue
        for link in {proc.link(f"/proc/{pid}/fd/{number}") for number in numbers}:
            if link in links:
                assert link is not None
                held.setdefault(link, []).append(pid)
    return held, hidden


def _owner(one: Listening, pids: list[int]) -> Owner:
    """The process above the others; an init that listens for somebody is not whom we look for."""
    mine = [pid for pid in pids if pid != 1 or not _is_init(pid)] or pids
    first = next((pid for pid in sorted(mine) if not set(kinship.ancestors(pid)) & set(mine)), 0)
    words = _words(first)
    return Owner(first, program(words) or _name(first), _guess_of(one, words, mine), len(mine))


def _is_init(pid: int) -> bool:
    found = proc.stat(pid)
    return found is not None and found.name in kinship.INIT_NAMES


def _guess_of(one: Listening, words: list[str], pids: Iterable[int]) -> Guess | None:
    """By the owner's own words, else by those of one that holds it too (a starter that exec'ed)."""
    for argv in (words, *(_words(pid) for pid in list(pids)[:4])):
        text = "\n".join(map(_text_of, settings_files(argv)))
        if found := guess(argv, one.listen, one.port, text):
            return found
    return guess_by_port(one.port)


def _by_words(one: Listening, hidden: list[int]) -> Owner:
    """A process of its user that was told this address by its arguments, if there is one."""
    needle = one.host if not one.port else f":{one.port}"
    for pid in hidden:
        words = _words(pid)
        if any(word.endswith(needle) for word in words) and _uid_of(pid) == _user_id(one):
            found = guess(words, one.listen, one.port)
            if found is not None:
                return Owner(None, program(words), found, 0)
    return NOBODY._replace(guess=guess_by_port(one.port))


def _ear(one: Listening, owner: Owner) -> Ear:
    found = owner.guess
    return Ear(
        listen=_told(one.listen),
        port=one.port,
        protocol=None if found is None else found.protocol,
        why="" if found is None else _told(found.why),
        is_gateway=found is not None and found.is_gateway,
        pid=owner.pid,
        name=_told(owner.name),
        user=_user(one, owner),
        n_owners=owner.n_owners,
        pending=one.pending if one.limit else None,
        limit=one.limit or None,
    )


def _told(text: str) -> str:
    """As JSON can say it: whoever listens chooses the bytes of its words and of its path."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _place(ear: Ear) -> tuple[int, bool, int, str]:
    """Gateways, web servers, the rest; TCP before unix, by port."""
    rank = 0 if ear.is_gateway else 1 if ear.protocol else 2
    return rank, ear.port == 0, ear.port, ear.listen


def _words(pid: int) -> list[str]:
    return [word.decode("utf-8", "surrogateescape") for word in proc.argv(pid) or ()]


def _name(pid: int) -> str:
    found = proc.stat(pid)
    return "" if found is None else found.name.decode("latin-1")


def _uid_of(pid: int) -> int | None:
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except proc.GONE:
        return None


def _user_id(one: Listening) -> int | None:
    if one.uid is not None:
        return one.uid
    try:
        return os.stat(one.host).st_uid
    except OSError:  # its folder is shut, or the file was replaced
        return None


def _user(one: Listening, owner: Owner) -> str:
    uid = _uid_of(owner.pid) if owner.pid else _user_id(one)
    return UNKNOWN_USER if uid is None else _user_name(uid)


@lru_cache(maxsize=64)
def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _text_of(path: str) -> str:
    """A settings file's beginning; "" for what is no regular file, or not ours to read.

    Not blocking and never a device: another user's argument names it.
    """
    if not path.startswith("/"):
        return ""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # gone, or shut
        return ""
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return ""
        return os.read(descriptor, MAX_SETTINGS_BYTES).decode("latin-1")
    finally:
        os.close(descriptor)


def heard() -> Heard:
    """One look; [] where the machine has no such tables."""
    return Ears().look() if sys.platform == "linux" else Heard([], 0)
