"""The ports of apps: one for each web process, from its first start to its last end."""

from __future__ import annotations

import itertools
import random
import socket

from de_tasks.server.errors import Refused

RANGE = range(10000, 20000)
"""Below the ports that systems hand out for outgoing connections, and beside those of our
database servers."""


class Ports:
    """Hands out ports that no other process of an app has, also while it is down and about to be
    started again: the proxy still sends its visitors there."""

    def __init__(self) -> None:
        self._taken: set[int] = set()

    def take(self, number: int) -> list[int]:
        """Ports of loopback that nobody listens on. Raises `Refused` when there are too few."""
        first = random.randrange(len(RANGE))
        ports = itertools.chain(RANGE[first:], RANGE[:first])
        free = (port for port in ports if port not in self._taken and is_free(port))
        found = list(itertools.islice(free, number))
        if len(found) < number:
            raise Refused("There is no free port for another process.")
        self._taken.update(found)
        return found

    def give_back(self, *ports: int) -> None:
        """The processes of the ports have ended, and are not started again."""
        self._taken.difference_update(ports)


def is_free(port: int) -> bool:
    """Whether a server could listen on the port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
