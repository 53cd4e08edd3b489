"""A CGI program in C that is gone after a millisecond, behind servers that start one per request.

In: a folder. Out: context managers that yield the port to ask and the port to watch. Everything
runs as root in the foreground, because pytest's folders are closed to anybody else.
"""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.live._running import free_port, need_program, nginx, server

HOST = "127.0.0.1"
MODULES = Path("/usr/lib/apache2/modules")
NAME = "short.cgi"
SOURCE = r"""
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    printf("Content-Type: text/plain\r\nX-Worker-Pid: %d\r\n\r\nok\n", (int)getpid());
    return 0;
}
"""
Server = Callable[[Path], AbstractContextManager[tuple[int, int]]]


def program(folder: Path) -> Path:
    compiler = need_program("cc", "gcc libc6-dev")
    source, made = folder / "short.c", folder / "cgi" / NAME
    source.write_text(SOURCE)
    made.parent.mkdir(exist_ok=True)
    done = subprocess.run([compiler, "-O2", "-o", made, source], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"needs a C library (apt-get install libc6-dev): {done.stderr.decode()}")
    return made


@contextmanager
def fcgiwrap(folder: Path) -> Iterator[tuple[int, int]]:
    """nginx before fcgiwrap with four processes."""
    wrapper, script, port = need_program("fcgiwrap", "fcgiwrap"), program(folder), free_port()
    location = (
        "location / { include /etc/nginx/fastcgi_params; "
        f"fastcgi_param SCRIPT_FILENAME {script}; fastcgi_pass {HOST}:{port}; }}"
    )
    with (
        server([wrapper, "-c", "4", "-s", f"tcp:{HOST}:{port}"], HOST, port, folder),
        nginx(folder, location) as (front, _),
    ):
        yield front, port


APACHE = """
ServerRoot {folder}
DefaultRuntimeDir {folder}
PidFile {folder}/apache.pid
Listen {host}:{port}
ServerName {host}
ErrorLog {folder}/apache-error.log
User www-data
Group www-data
LoadModule authz_core_module {modules}/mod_authz_core.so
KeepAlive Off
{more}
"""
SCRIPT = """
LoadModule alias_module {modules}/mod_alias.so
ScriptAlias / {script}/
"""
PREFORK = """
LoadModule mpm_prefork_module {modules}/mod_mpm_prefork.so
LoadModule cgi_module {modules}/mod_cgi.so
StartServers 8
MinSpareServers 8
MaxSpareServers 8
MaxRequestWorkers 8
"""
EVENT = """
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule cgid_module {modules}/mod_cgid.so
ScriptSock {folder}/cgid.sock
StartServers 2
ThreadsPerChild 8
MaxRequestWorkers 16
"""


@contextmanager
def apache(folder: Path, more: str, **values: object) -> Iterator[int]:
    """Apache with these lines; its port."""
    binary, port = need_program("apache2", "apache2"), free_port()
    known = {"folder": folder, "modules": MODULES, "host": HOST, "port": port, **values}
    config = folder / "apache.conf"
    config.write_text(APACHE.format(more=more.format(**known), **known))
    command = [binary, "-d", str(folder), "-f", str(config), "-D", "FOREGROUND"]
    with server(command, HOST, port, folder):
        yield port


def _running_scripts(more: str) -> Server:
    @contextmanager
    def start(folder: Path) -> Iterator[tuple[int, int]]:
        script = program(folder)
        for path in (folder, folder.parent, folder.parent.parent, script.parent):
            path.chmod(path.stat().st_mode | 0o011)  # www-data must get at the program
        with apache(folder, more + SCRIPT, script=script) as port:
            yield port, port

    return start


mod_cgi = _running_scripts(PREFORK)
mod_cgid = _running_scripts(EVENT)


def load(port: int, n: int, concurrency: int = 8) -> None:
    """So many requests at full speed; each was answered."""
    ab = need_program("ab", "apache2-utils")
    command = [ab, "-q", "-n", str(n), "-c", str(concurrency), f"http://{HOST}:{port}/"]
    done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    told = done.stdout.decode()
    assert done.returncode == 0, done.stderr.decode()
    assert f"Complete requests:      {n}\n" in told and "Non-2xx" not in told, told
