"""An app that serves the folder that it is started in.

`python -m http.server` does the same and takes five times as long to start, which the tests do
some thousand times: hence also the module that `socket` is made of.
"""

from __future__ import annotations

import _socket
import os

TYPES = {"html": "text/html; charset=utf-8", "js": "text/javascript", "": "text/plain"}
PATIENCE = 10.0
"""Seconds for a client to ask: one after the other is served."""


def answer(path: str) -> tuple[str, str, bytes]:
    """The status, the type and the body for a path."""
    name = path.partition("?")[0].lstrip("/") or "index.html"
    if name == "index.html" and not os.path.exists(name):
        return "200 OK", TYPES["html"], "\n".join(sorted(os.listdir("."))).encode()
    try:
        with open(name, "rb") as file:
            return "200 OK", TYPES.get(name.rpartition(".")[2], TYPES[""]), file.read()
    except OSError:
        return "404 Not Found", TYPES[""], b"Not found"


def main() -> None:
    """Listen on $PORT until a signal ends us."""
    server = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    server.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", int(os.environ["PORT"])))
    server.listen(128)
    os.write(2, f"Serving HTTP on 127.0.0.1 port {os.environ['PORT']}\n".encode())
    while True:
        handle, _ = server._accept()  # type: ignore[attr-defined]
        client = _socket.socket(fileno=handle)
        client.settimeout(PATIENCE)
        try:
            method, path, *_ = client.recv(1 << 16).decode("latin-1").split(" ")
            status, kind, body = answer(path)
            os.write(2, f"{method} {path} {status}\n".encode())
            head = f"HTTP/1.0 {status}\r\nContent-Type: {kind}\r\n"
            head += f"Content-Length: {len(body)}\r\n\r\n"
            client.sendall(head.encode() + (b"" if method == "HEAD" else body))
        except (OSError, ValueError):
            pass  # Whoever only looked whether somebody listens has asked for nothing.
        finally:
            client.close()


if __name__ == "__main__":
    main()
