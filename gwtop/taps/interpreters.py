"""Interpreters: which ones a web server has taken into its own process, by its mapped libraries.

In: a pid. Out: "libphp8.2.so", "mod_perl.so and mod_wsgi.so", or None. It refuses to know whether
they are used. Linux only.

An embedded interpreter leaves no trace on any wire and is no process of its own: what tells that
"this apache2 child is PHP" is that it maps PHP's library. Only libraries that are made to be
loaded by a web server count; that uWSGI maps libpython says nothing, it is all that uWSGI does.
"""

import re

from gwtop.taps import proc

EMBEDDED = re.compile(rb"/(libphp[\d.]*|mod_(?:perl|python|wsgi|lua)[^/\s]*?)\.so")
"""Debian 12's apache2 modules: libphp8.2.so, mod_perl.so, mod_python.so, mod_wsgi.so."""

READS_FOR_OTHERS = re.compile(rb"/mod_(?:wsgi|fcgid)[^/\s]*?\.so")
"""Modules that may pass what they read on to a process that runs the application."""

STARTS_ELSEWHERE = re.compile(rb"/mod_cgid[^/\s]*?\.so")
"""Modules that ask a daemon of the server's to start a program for what they read."""


def found_in(maps: bytes) -> str | None:
    """`maps`: /proc/PID/maps."""
    names = sorted({match[1].decode("latin-1") + ".so" for match in EMBEDDED.finditer(maps)})
    return " and ".join(names) or None


def embedded(pid: int) -> str | None:
    """None as well when the process has gone or may not be read; 0.1 ms for an apache2 child."""
    maps = proc.maps(pid)
    return None if maps is None else found_in(maps)


def reads_for_others(pid: int) -> bool:
    maps = proc.maps(pid)
    return maps is not None and READS_FOR_OTHERS.search(maps) is not None


def hands_over(pid: int) -> bool:
    """Whether it may pass on what it reads, or have a program started for it by another."""
    maps = proc.maps(pid)
    if maps is None:
        return False
    return any(kind.search(maps) is not None for kind in (READS_FOR_OTHERS, STARTS_ELSEWHERE))
