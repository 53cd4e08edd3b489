"""The shortest nginx configuration that passes everything on to a gateway.

Complete: it includes no file of the system's nginx, and writes nowhere but in its directory.
"""

import grp
import os
import pwd
from pathlib import Path

# What each CGI-style gateway is told of a request: RFC 3875 4.1, and REQUEST_URI.
VARIABLES = """
    GATEWAY_INTERFACE CGI/1.1
    REQUEST_METHOD    $request_method
    REQUEST_URI       $request_uri
    SCRIPT_NAME       ""
    PATH_INFO         $document_uri
    QUERY_STRING      $query_string
    CONTENT_TYPE      $content_type
    CONTENT_LENGTH    $content_length
    SERVER_PROTOCOL   $server_protocol
    SERVER_SOFTWARE   nginx/$nginx_version
    SERVER_NAME       $server_name
    SERVER_ADDR       $server_addr
    SERVER_PORT       $server_port
    REMOTE_ADDR       $remote_addr
    REMOTE_PORT       $remote_port
"""
HOST = "Host $http_host"


def configuration(
    directory: Path, listen: str, gateway: str, target: str, script: Path | None = None
) -> str:
    """`gateway` is nginx's own word for it: "fastcgi", "uwsgi" or "scgi"; or "http", for a server
    that speaks HTTP itself. `script`: the file to run, for gateways that run files."""
    temporary = "\n".join(
        # All five, for nginx makes each at its start.
        f"  {name}_temp_path {directory}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    lines = VARIABLES.strip().splitlines()
    lines += [] if script is None else [f"SCRIPT_FILENAME {script}"]
    if gateway == "scgi":  # nginx itself sends CONTENT_LENGTH, as the first; a second is an error
        lines = ["SCGI 1", *(line for line in lines if "CONTENT_LENGTH" not in line)]
    word, param = gateway, f"{gateway}_param"
    if gateway == "http":  # else the server behind would be told its own address as the Host
        word, param, target, lines = "proxy", "proxy_set_header", f"http://{target}", [HOST]
    params = "\n".join(f"      {param} {' '.join(line.split(maxsplit=1))};" for line in lines)
    return f"""\
daemon off;                              # stays in the foreground
pid {directory}/nginx.pid;
error_log stderr error;
worker_processes 1;                      # an event loop: one is enough for all clients
{_user()}events {{}}
http {{
  access_log off;
  # Long bodies wait in files; the usual folders for them are root's.
{temporary}
  client_max_body_size 64m;              # 1 MB by default
  large_client_header_buffers 4 64k;     # 8k by default
  server {{
    listen {listen};
    location / {{
      {word}_pass {target};
      {word}_buffer_size 64k;            # an answer's head must fit in one
      {word}_buffers 8 64k;
      {word}_busy_buffers_size 128k;
{params}
    }}
  }}
}}
"""


def _user() -> str:
    """root's nginx would give its workers to nobody, who can't enter our directory."""
    if os.geteuid() != 0:
        return ""
    name, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
    return f"user {name} {group};\n"
