"""The sandbox: from here on this process opens no file for writing, whatever its rights.

In: the few folders where something must still be removed or renamed. Out: whether the kernel
holds us to it. It refuses to know who writes what: every file that the engine writes is open
before, and descriptors that are open stay as they are.

Whoever parses hostile bytes should not; Landlock (Linux 5.13) needs no right, holds for every
process it starts from then on, and can't be taken back. Reading files stays free, but not looking
into other processes: whoever does that has `seccomp` instead.
Source: linux/landlock.h; Documentation/userspace-api/landlock.rst.
"""

import ctypes
import os
import struct
import sys
from collections.abc import Mapping

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same on every architecture
VERSION_FLAG = 1  # LANDLOCK_CREATE_RULESET_VERSION
PATH_BENEATH = 1  # LANDLOCK_RULE_PATH_BENEATH
WRITE_FILE, REMOVE_DIR, REMOVE_FILE, MAKE_SOCK = 1 << 1, 1 << 4, 1 << 5, 1 << 9
MAKES = sum(1 << bit for bit in range(6, 13))  # MAKE_CHAR ... MAKE_SYM
TRUNCATE, SINCE_TRUNCATE = 1 << 14, 3  # LANDLOCK_ACCESS_FS_TRUNCATE, ABI 3
RULE = struct.Struct("=Qi")  # struct landlock_path_beneath_attr, packed

RENAMES = REMOVE_FILE | MAKE_SOCK
"""What exchanging two sockets' names in one folder takes."""


def abi() -> int:
    """Landlock's version in this kernel; 0: there is none, or it is off."""
    if sys.platform != "linux":
        return 0
    library = ctypes.CDLL(None, use_errno=True)
    found: int = library.syscall(CREATE_RULESET, None, 0, VERSION_FLAG)
    return max(0, found)


def forbid_writing(allowed: Mapping[str, int]) -> bool:
    """False: this kernel cannot. `allowed`: paths with what may still be done there (`RENAMES`,
    `REMOVE_DIR`, `WRITE_FILE`). Needs no_new_privs. Raises OSError where the kernel could and
    will not, which it has no reason to."""
    version = abi()
    if not version:
        return False
    handled = WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKES
    handled |= TRUNCATE if version >= SINCE_TRUNCATE else 0
    library = ctypes.CDLL(None, use_errno=True)
    attributes = struct.pack("=Q", handled)
    ruleset = _called(library.syscall(CREATE_RULESET, attributes, len(attributes), 0))
    try:
        for path, access in allowed.items():
            _allow(library, ruleset, path, access)
        _called(library.syscall(RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)
    return True


def _allow(library: ctypes.CDLL, ruleset: int, path: str, access: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:  # nothing there, nothing to allow
        return
    try:
        rule = RULE.pack(access, place)
        _called(library.syscall(ADD_RULE, ruleset, PATH_BENEATH, rule, 0))
    finally:
        os.close(place)


def _called(answer: int) -> int:
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"landlock: {os.strerror(number)}")
    return answer
