"""The post-receive hook of the apps' repositories, run by git as a process of its own.

It tells the sandbox what came, through the socket named by `DE_HOOK_SOCKET`, and prints
what it answers: git shows that to the pusher behind `remote:`.
"""

from __future__ import annotations

import json
import os
import socket
import sys


def main() -> int:
    """Run the hook; what it exits with changes nothing, the push has been taken."""
    updates = [line.split() for line in sys.stdin]
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(os.environ["DE_HOOK_SOCKET"])
        message = {
            "app": int(os.environ["DE_APP"]),
            "user": os.environ["REMOTE_USER"],
            "sha": updates[-1][1],
        }
        connection.sendall(json.dumps(message).encode() + b"\n")
        for line in connection.makefile("r", encoding="utf-8", errors="replace"):
            print(line, end="", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
