"""CPUs: which the machine may ever have, and which run now.

In: two files of /sys. Out: their numbers. It refuses to know what is opened for each of them.

A CPU can be taken away and given back while we run (a virtual machine that grows, a laptop that
saves power), and many virtual machines name more CPUs as possible than they have. What the kernel
keeps for each possible CPU (listeners for accounts, trace files) is opened for all of them, so
that one that comes is followed; what it gives of running ones only (counters) is opened anew.
Source: Documentation/ABI/testing/sysfs-devices-system-cpu.
"""

ONLINE, POSSIBLE = "/sys/devices/system/cpu/online", "/sys/devices/system/cpu/possible"


def listed(text: str) -> list[int]:
    """ "0-2,5" as numbers."""
    found: list[int] = []
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def online() -> list[int]:
    with open(ONLINE, encoding="ascii") as text:
        return listed(text.read())


def possible() -> list[int]:
    with open(POSSIBLE, encoding="ascii") as text:
        return listed(text.read())
