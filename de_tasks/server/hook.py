"""The git hook of the apps' repositories, run by git as a process of its own.

`hook.py pre-receive` refuses what is not a deploy; `hook.py post-receive` tells the sandbox
what came, through the socket named by `DE_HOOK_SOCKET`, and prints what it answers: git
shows that to the pusher behind `remote:`.
"""

from __future__ import annotations

import json
import os
import socket
import sys

BRANCH = "refs/heads/master"
DELETED = "0" * 40


def refusal(updates: list[list[str]]) -> str | None:
    """Why the push is refused, None when it is a deploy."""
    for _, new, ref in updates:
        if ref != BRANCH:
            return f"Only master is deployed. Type: git push <remote> HEAD:master (not {ref})"
        if set(new) == {"0"}:
            return "The deployed branch cannot be deleted. Delete the app instead."
    return None


def main() -> int:
    """Run the hook named by the first argument; its exit status accepts or refuses."""
    updates = [line.split() for line in sys.stdin]
    if sys.argv[1] == "pre-receive":
        reason = refusal(updates)
        if reason:
            print(reason, file=sys.stderr)
        return 1 if reason else 0
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(os.environ["DE_HOOK_SOCKET"])
        message = {
            "app": int(os.environ["DE_APP"]),
            "user": os.environ["REMOTE_USER"],
            "sha": updates[-1][1],
            "follow": os.environ["DE_FOLLOW"] == "1",
        }
        connection.sendall(json.dumps(message).encode() + b"\n")
        for line in connection.makefile("r", encoding="utf-8", errors="replace"):
            print(line, end="", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
