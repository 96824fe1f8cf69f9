"""git's own http-backend at work on one request: what is posted goes in, what it says comes out."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.types import Message, Receive, Send

from de_tasks.server.builds.repositories import LIMITED_GIT
from de_tasks.server.runtime.processes import Leash, until_end

PIECE = 64 * 1024
PACKET = re.compile(rb"[0-9a-fA-F]{4}")
"""How everything begins that git answers to a POST (gitprotocol-common, pkt-line)."""
NO_REQUEST = (400, "This is not a git request.")
LATE = (408, "The request did not arrive in time.")


@dataclass
class BackendRun:
    """One request. `limit` is bytes; the pusher may pause for `idle` seconds.

    A `probe`, and what is not posted, may be answered with nothing.
    """

    leash: Leash
    limit: int
    idle: float
    probe: bool
    refused: tuple[int, str] | None = None

    async def run(self, environment: dict[str, str], receive: Receive, send: Send) -> None:
        """Answer the request."""
        child = await self.leash.start_reader(*LIMITED_GIT, "http-backend", environment=environment)
        feeder = asyncio.create_task(self._feed(child, receive))
        try:
            assert child.stdout
            await self._answer(child.stdout, send)
        finally:
            # Closing stdin lets http-backend end by itself and clean up behind it; killing it
            # would leave a half-received pack in a quarantine folder.
            feeder.cancel()
            await asyncio.gather(feeder, return_exceptions=True)
            assert child.stdin
            child.stdin.close()
            await until_end(child)
            self.leash.remove(child.pid)

    async def _feed(self, child: asyncio.subprocess.Process, receive: Receive) -> None:
        assert child.stdin
        taken = 0
        try:
            while True:
                async with asyncio.timeout(self.idle):
                    message: Message = await receive()
                if message["type"] == "http.disconnect":
                    break
                piece = message.get("body", b"")
                taken += len(piece)
                if taken > self.limit:
                    self.refused = (413, f"A push has at most {self.limit} bytes.")
                    break
                child.stdin.write(piece)
                await child.stdin.drain()
                if not message.get("more_body", False):
                    break
        except TimeoutError:
            self.refused = LATE
        except (ConnectionError, BrokenPipeError):
            return  # http-backend has read enough: it answers so.
        finally:
            child.stdin.close()

    async def _answer(self, stdout: asyncio.StreamReader, send: Send) -> None:
        status, headers = 200, []
        while line := (await stdout.readline()).strip():
            key, _, value = line.partition(b":")
            if key.lower() == b"status":
                status = int(value.split()[0])
            else:
                headers.append((key.lower(), value.strip()))
        # http-backend writes its 200 before it has read anything. It is held back until git has
        # something to say: where it has not, what was posted was none of git's.
        piece = await stdout.read(PIECE)
        if not self.probe and status == 200 and not PACKET.match(piece):
            self.refused = self.refused or NO_REQUEST
        if self.refused and not self.probe:
            return await plain(send, *self.refused)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        while piece:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            piece = await stdout.read(PIECE)
        await send({"type": "http.response.body", "body": b""})


async def plain(send: Send, status: int, text: str, more: Mapping[str, str] | None = None) -> None:
    """Answer with a line of text, which git shows behind `remote:`, and `more` headers."""
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    headers += [(name.lower().encode(), value.encode()) for name, value in (more or {}).items()]
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="Dash Enterprise sandbox"'))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode() + b"\n"})
