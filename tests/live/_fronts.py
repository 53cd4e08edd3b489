"""Front ends of the matrix: real web servers that pass everything on to one back end.

In: a folder, the back end's port, its protocol and its name. Out: context managers that yield the
front's port. Limits are opened wide, so that what is refused is refused by the protocol's own.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.live._backs import APPS, HOST, cgi_script
from tests.live._running import free_port, need_program, nginx, server

Front = Callable[[Path, int, str, str], AbstractContextManager[int]]


def _script(folder: Path, back: str) -> str | None:
    """SCRIPT_FILENAME where the back end starts a file."""
    return {"php-fpm": str(APPS / "app.php"), "fcgiwrap": str(cgi_script(folder))}.get(back)


NGINX_PASS = {
    "fastcgi": "include /etc/nginx/fastcgi_params; fastcgi_param PATH_INFO $document_uri;"
    " fastcgi_pass behind;",
    "uwsgi": "include /etc/nginx/uwsgi_params; uwsgi_pass behind;",
    "scgi": "include /etc/nginx/scgi_params; scgi_param PATH_INFO $document_uri;"
    " scgi_param SCRIPT_NAME ''; scgi_buffer_size 128k; scgi_buffers 8 128k; scgi_pass behind;",
    "http": "proxy_http_version 1.1; proxy_set_header Connection ''; proxy_buffer_size 128k;"
    " proxy_buffers 8 128k; proxy_pass http://behind;",
}


@contextmanager
def nginx_front(folder: Path, behind: int, protocol: str, back: str) -> Iterator[int]:
    script = _script(folder, back)
    passing = NGINX_PASS[protocol]
    if script is not None:
        passing += f" fastcgi_param SCRIPT_FILENAME {script};"
    elif protocol == "fastcgi":
        passing += " fastcgi_param SCRIPT_NAME '';"
    # Kept where the back end keeps: uWSGI's and fcgiwrap's FastCGI close after each answer, and
    # nginx would send every other request twice.
    kept = back in ("php-fpm", "flup") or protocol == "http"
    if kept and protocol == "fastcgi":
        passing += " fastcgi_keep_conn on;"
    upstream = f"upstream behind {{ server {HOST}:{behind}; {'keepalive 4;' if kept else ''} }}"
    with nginx(folder, f"location / {{ {passing} }}", upstream=upstream) as (port, _):
        yield port


APACHE = """
ServerRoot {folder}
Listen 127.0.0.1:{port}
ServerName example.org
PidFile {folder}/apache.pid
ErrorLog {folder}/apache-error.log
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
User www-data
Group www-data
StartServers 1
ThreadsPerChild 8
MaxRequestWorkers 8
DefaultRuntimeDir {folder}
AllowEncodedSlashes NoDecode
MergeSlashes off
LimitRequestFieldSize 65536
LimitRequestLine 16384
{more}
"""
APACHE_PROXY = """
LoadModule proxy_module {modules}/mod_proxy.so
LoadModule proxy_{scheme}_module {modules}/mod_proxy_{scheme}.so
ProxyIOBufferSize 65536
ProxyPass / {scheme}://127.0.0.1:{behind}/ {options}
{script}
"""
MOD_JK = """
LoadModule jk_module {modules}/mod_jk.so
JkWorkerProperty worker.list=w
JkWorkerProperty worker.w.type=ajp13
JkWorkerProperty worker.w.host=127.0.0.1
JkWorkerProperty worker.w.port={behind}
JkWorkerProperty worker.w.max_packet_size=65536
JkLogFile {folder}/jk.log
JkShmFile {folder}/jk.shm
JkOptions +ForwardURICompatUnparsed
JkMount /* w
"""
MODULES = Path("/usr/lib/apache2/modules")


def _serve_apache(folder: Path, more: str, **values: object) -> AbstractContextManager[int]:
    @contextmanager
    def start() -> Iterator[int]:
        program = need_program("apache2", "apache2")
        port, config = free_port(), folder / "apache.conf"
        known = {"folder": folder, "modules": MODULES, "port": port, **values}
        config.write_text(APACHE.format(more=more.format(**known), **known))
        command = [program, "-d", str(folder), "-f", str(config), "-DFOREGROUND"]
        with server(command, HOST, port, folder):
            yield port

    return start()


def apache(folder: Path, behind: int, protocol: str, back: str) -> AbstractContextManager[int]:
    script = _script(folder, back)
    line = "" if script is None else f'ProxyFCGISetEnvIf "true" SCRIPT_FILENAME "{script}"'
    # Kept connections where the back end can: php-fpm alone of the FastCGI ones.
    options = "enablereuse=on" if back == "php-fpm" else ""
    scheme = {"fastcgi": "fcgi"}.get(protocol, protocol)
    return _serve_apache(
        folder, APACHE_PROXY, scheme=scheme, behind=behind, options=options, script=line
    )


def apache_jk(folder: Path, behind: int, protocol: str, back: str) -> AbstractContextManager[int]:
    if not (MODULES / "mod_jk.so").exists():
        pytest.skip("needs mod_jk (apt-get install libapache2-mod-jk)")
    return _serve_apache(folder, MOD_JK, behind=behind)


LIGHTTPD = """
server.document-root = "{root}"
server.bind = "127.0.0.1"
server.port = {port}
server.modules = ("mod_rewrite", "mod_{module}")
server.max-request-field-size = 65535
server.upload-dirs = ("{folder}")
server.errorlog = "{folder}/lighttpd.log"
{more}
{module}.server = ("{prefix}" => (("host" => "127.0.0.1", "port" => {behind},
 "check-local" => "disable", "fix-root-scriptname" => "enable")))
"""
LIGHTTPD_MODULE = {"fastcgi": "fastcgi", "scgi": "scgi", "uwsgi": "scgi"}


@contextmanager
def lighttpd(folder: Path, behind: int, protocol: str, back: str) -> Iterator[int]:
    program = need_program("lighttpd", "lighttpd")
    module = LIGHTTPD_MODULE[protocol]
    port, config, script = free_port(), folder / "lighttpd.conf", _script(folder, back)
    more = 'scgi.protocol = "uwsgi"' if protocol == "uwsgi" else ""
    # "/" and fix-root-scriptname: all of the path is PATH_INFO.
    root, prefix = folder, "/"
    if script is not None:
        # SCRIPT_FILENAME is the document root and the path after the rewriting.
        root, prefix = Path(script).parent, ""
        more = f'url.rewrite-once = ("^[^?]*(\\?.*)?$" => "/{Path(script).name}$1")'
    values = {"folder": folder, "root": root, "port": port, "prefix": prefix}
    config.write_text(LIGHTTPD.format(more=more, behind=behind, module=module, **values))
    with server([program, "-D", "-f", str(config)], HOST, port, folder):
        yield port


FRONTS: dict[str, Front] = {
    "nginx": nginx_front,
    "apache": apache,
    "mod_jk": apache_jk,
    "lighttpd": lighttpd,
}
