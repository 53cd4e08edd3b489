"""The real servers of the captures: configuration and command line of each.

In: a folder for its files, the ports. Out: context managers that yield when the server serves.
Each is the smallest configuration that shows the server's own habits on the wire.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from _machine import server

HERE = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent
MODULES = "/usr/lib/apache2/modules"
Start = Callable[[Path, int, int], AbstractContextManager[int]]
"""(folder, the port to serve on, the port behind it or the log's port)"""

NGINX = """
daemon off; master_process on; worker_processes 1; pid {folder}/nginx.pid; error_log stderr;
user {user};
events {{ worker_connections 64; }}
http {{
    access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b;
    fastcgi_temp_path {folder}/c; scgi_temp_path {folder}/d; uwsgi_temp_path {folder}/e;
    upstream behind {{ server 127.0.0.1:{behind}; {upstream} }}
    server {{ listen 127.0.0.1:{port}; location / {{ {pass_on} }} }}
}}
"""
NGINX_PASS = {
    "fastcgi": "fastcgi_pass behind; fastcgi_param REQUEST_METHOD $request_method;"
    " fastcgi_param REQUEST_URI $request_uri; fastcgi_param QUERY_STRING $query_string;"
    " fastcgi_param PATH_INFO $document_uri; fastcgi_param SCRIPT_NAME '';"
    " fastcgi_param CONTENT_TYPE $content_type; fastcgi_param CONTENT_LENGTH $content_length;"
    " fastcgi_param SERVER_PROTOCOL $server_protocol; fastcgi_param SERVER_NAME $server_name;"
    " fastcgi_param SERVER_PORT $server_port; fastcgi_param REMOTE_ADDR $remote_addr;"
    " fastcgi_param REMOTE_PORT $remote_port;",
    "php": "include /etc/nginx/fastcgi_params; fastcgi_keep_conn on; fastcgi_pass behind;"
    " fastcgi_param SCRIPT_FILENAME {app};",
    "impatient": "include /etc/nginx/fastcgi_params; fastcgi_param SCRIPT_NAME /other;"
    " fastcgi_read_timeout 200ms; fastcgi_param SCRIPT_FILENAME {folder}/app.php;"
    " fastcgi_pass behind;",
    "static": "return 200 ok;",
    "cgi": "include /etc/nginx/fastcgi_params; fastcgi_pass behind;"
    " fastcgi_param PATH_INFO $document_uri; fastcgi_param SCRIPT_FILENAME {folder}/app.cgi;",
    "uwsgi": "include /etc/nginx/uwsgi_params; uwsgi_pass behind;",
    "scgi": "include /etc/nginx/scgi_params; scgi_param PATH_INFO $document_uri; scgi_pass behind;"
    " scgi_param SCRIPT_NAME '';",
    "http": "proxy_http_version 1.1; proxy_set_header Connection ''; proxy_pass http://behind;",
}


def nginx(pass_on: str, upstream: str = "") -> Start:
    @contextmanager
    def start(folder: Path, port: int, behind: int) -> Iterator[int]:
        config = folder / "nginx.conf"
        app = HERE / "app.php"
        text = NGINX.format(
            folder=folder,
            user="root" if os.getuid() == 0 else "nobody",
            port=port,
            behind=behind,
            upstream=upstream,
            pass_on=NGINX_PASS[pass_on].replace("{app}", str(app)).replace("{folder}", str(folder)),
        )
        config.write_text(text)
        command = ["nginx", "-p", str(folder), "-c", str(config), "-e", "stderr"]
        with server(command, port, folder) as pid:
            yield pid

    return start


APACHE = """
ServerRoot {folder}
Listen 127.0.0.1:{port}
ServerName example.org
PidFile {folder}/apache.pid
ErrorLog {folder}/apache-error.log
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule proxy_module {modules}/mod_proxy.so
LoadModule proxy_{scheme}_module {modules}/mod_proxy_{scheme}.so
User www-data
Group www-data
StartServers 1
ThreadsPerChild 4
MaxRequestWorkers 4
DefaultRuntimeDir {folder}
ProxyPass / {scheme}://127.0.0.1:{behind}/
{more}
"""
TO_PHP = f'ProxyFCGISetEnvIf "true" SCRIPT_FILENAME "{HERE}/app.php"'


def apache(scheme: str, more: str = "") -> Start:
    @contextmanager
    def start(folder: Path, port: int, behind: int) -> Iterator[int]:
        config = folder / "apache.conf"
        values = {"folder": folder, "port": port, "behind": behind, "modules": MODULES}
        config.write_text(APACHE.format(scheme=scheme, more=more, **values))
        command = ["apache2", "-d", str(folder), "-f", str(config), "-DFOREGROUND"]
        with server(command, port, folder) as pid:
            yield pid

    return start


LIGHTTPD = """
server.document-root = "{folder}"
server.bind = "127.0.0.1"
server.port = {port}
server.modules = ("mod_{module}")
{module}.server = ("/" => (("host" => "127.0.0.1", "port" => {behind}, "check-local" => "disable")))
{more}
"""


def lighttpd(module: str, more: str = "") -> Start:
    @contextmanager
    def start(folder: Path, port: int, behind: int) -> Iterator[int]:
        config = folder / "lighttpd.conf"
        config.write_text(
            LIGHTTPD.format(folder=folder, port=port, behind=behind, module=module, more=more)
        )
        with server(["lighttpd", "-D", "-f", str(config)], port, folder) as pid:
            yield pid

    return start


def uwsgi(kind: str, *options: str) -> Start:
    """pyuwsgi with two workers; `kind` is the option of its socket."""

    @contextmanager
    def start(folder: Path, port: int, log_port: int) -> Iterator[int]:
        command = [str(BIN / "pyuwsgi"), f"--{kind}", f"127.0.0.1:{port}", "--master"]
        command += ["--processes", "2", "--wsgi-file", str(HERE / "app.py"), "--die-on-term"]
        command += ["--buffer-size", "16384", *options]
        with server(command, port, folder, LOG_PORT=str(log_port)) as pid:
            yield pid

    return start


def gunicorn(*options: str) -> Start:
    @contextmanager
    def start(folder: Path, port: int, log_port: int) -> Iterator[int]:
        command = [str(BIN / "gunicorn"), "--bind", f"127.0.0.1:{port}", "--workers", "2"]
        command += ["--chdir", str(HERE), "--no-control-socket", *options, "app:application"]
        with server(command, port, folder, LOG_PORT=str(log_port)) as pid:
            yield pid

    return start


def own(how: str) -> Start:
    """The application serves itself through a library: see app.py."""

    @contextmanager
    def start(folder: Path, port: int, log_port: int) -> Iterator[int]:
        command = [sys.executable, str(HERE / "app.py"), how, str(port)]
        with server(command, port, folder, LOG_PORT=str(log_port)) as pid:
            yield pid

    return start


FPM = """
[global]
error_log = {folder}/fpm.log
daemonize = no
[www]
user = www-data
group = www-data
listen = 127.0.0.1:{port}
pm = static
pm.max_children = 2
clear_env = no
catch_workers_output = no
php_flag[log_errors] = on
php_flag[display_errors] = off
"""


@contextmanager
def php_fpm(folder: Path, port: int, log_port: int) -> Iterator[int]:
    config = folder / "fpm.conf"
    config.write_text(FPM.format(folder=folder, port=port))
    program = next(Path("/usr/sbin").glob("php-fpm*"))
    command = [str(program), "-F", "-y", str(config)]
    with server(command, port, folder, LOG_PORT=str(log_port)) as pid:
        yield pid


CGI_SCRIPT = """#!{python}
import sys
sys.path.insert(0, "{here}")
from wsgiref.handlers import CGIHandler
from app import application
CGIHandler().run(application)
"""


@contextmanager
def fcgiwrap(folder: Path, port: int, log_port: int) -> Iterator[int]:
    """A process for each request; `-f` sends its stderr along."""
    script = folder / "app.cgi"
    script.write_text(CGI_SCRIPT.format(python=sys.executable, here=HERE))
    script.chmod(0o755)
    command = ["fcgiwrap", "-f", "-c", "2", "-s", f"tcp:127.0.0.1:{port}"]
    with server(command, port, folder, LOG_PORT=str(log_port)) as pid:
        yield pid
