"""A server that does what it is told, one word a line on its standard input: accept, peek, read N,
pieces N, answer, close. "ok" says that it is done. It listens at the path that it is given."""

import socket
import sys

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def main(path: str) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    connection = listener
    for line in sys.stdin:
        word, _, number = line.strip().partition(" ")
        if word == "accept":
            connection, _ = listener.accept()
        elif word == "peek":
            connection.recv(65536, socket.MSG_PEEK)
        elif word == "read":
            left = int(number)
            while left:
                left -= len(connection.recv(left))
        elif word == "pieces":
            left = int(number)
            while left:
                left -= len(connection.recv(min(left, 8)))
        elif word == "answer":
            connection.sendall(ANSWER)
        elif word == "close":
            connection.close()
        print("ok", flush=True)


main(sys.argv[1])
