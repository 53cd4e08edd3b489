"""What a person calls a listener, and what the machine calls it.

In: the address or path that was typed. Out: the address as frames carry it, the path as the kernel
knows it. It refuses to know what is done with either.

A unix socket is known to the kernel, and so to every tap, by the very words that its server bound
it with. Who attaches may stand in its folder, or come through a link: Debian's /var/run is one, and
half of all configurations still say /var/run/php/php8.2-fpm.sock. So the file is what is compared.
"""

import os
import stat
from ipaddress import IPv6Address, ip_address

import click

from gwtop.errors import GwtopError


def host_of(text: str) -> str:
    """Raises UsageError. The zone of "fe80::1%eth0" is on no wire; IPv4 in IPv6 is IPv4 there."""
    bare = text.removeprefix("[").removesuffix("]")
    try:
        address = ip_address(bare.partition("%")[0])
    except ValueError:
        what = f"--host: {text!r} is no address."
        raise click.UsageError(f"{what} Say 127.0.0.1 or ::1, say.") from None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def socket_of(path: str) -> str:
    """Raises UsageError and GwtopError. One that is not there yet is awaited under this name."""
    if not path:
        raise click.UsageError("--socket: name the path of a unix socket.")
    from gwtop.taps import listeners, swap

    known = [one.address for one in listeners.unix(None)]
    if path in known or path.startswith("@"):  # an abstract one has no file, and no other name
        return path
    whole = os.path.abspath(path)
    try:
        found = os.stat(whole)
    except OSError:  # not there yet, or in another's folder
        return whole
    if not stat.S_ISSOCK(found.st_mode):
        remedy = "name the one that the server listens on"
        raise GwtopError(f"{path} is no socket", remedy)
    name = next((name for name in known if _is(name, found)), None)
    if name is None and swap.kind(whole) == swap.SOCK_DGRAM_TYPE:
        raise GwtopError(f"{path} is a datagram socket", "name one that connections are made to")
    return name or whole


def file_of(path: str) -> str:
    """Where its file is, by no link: there a relay stands beside it."""
    return path if path.startswith("@") else os.path.realpath(path)


def _is(name: str, found: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.stat(name), found)
    except OSError:  # its file is gone, or its name is for another folder than ours
        return False
