"""Who called: under sudo not root, but the user whose files are meant.

In: what sudo left in the environment. Out: that user's rights on files, for a while. It refuses to
know which files: root must not open what a user's name points to.
"""

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def as_user() -> Iterator[None]:
    """Under sudo with the invoking user's rights on files, for a while."""
    uid, gid = os.environ.get("SUDO_UID", ""), os.environ.get("SUDO_GID", "")
    if os.geteuid() != 0 or not uid.isdecimal() or not gid.isdecimal() or uid == "0":
        yield
        return
    groups = os.getgroups()
    os.initgroups(pwd.getpwuid(int(uid)).pw_name, int(gid))
    os.setegid(int(gid))
    os.seteuid(int(uid))
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)
