"""Reading what is posted: so much, and within a time."""

from __future__ import annotations

import asyncio

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

FORM_LIMIT = 64 * 1024


async def read_body(request: Request, limit: int) -> bytes:
    """The body. Raises `HTTPException`: 413 for more than `limit` bytes, of which no more is
    ever held, 408 for a client that takes longer than it may."""
    if declared_length(request) > limit:
        raise _too_long(limit)
    body = bytearray()
    try:
        async with asyncio.timeout(request.app.state.patience):
            async for piece in request.stream():
                body += piece
                if len(body) > limit:
                    raise _too_long(limit)
    except (TimeoutError, ClientDisconnect):
        raise HTTPException(408, "The request did not arrive in time.") from None
    return bytes(body)


async def read_form(request: Request, limit: int = FORM_LIMIT, files: int = 0) -> FormData:
    """The form. Raises as `read_body`, and 411 for one that does not declare its length: HTTP
    holds the body to it."""
    if "content-length" not in request.headers:
        raise HTTPException(411, "A form has to declare its length.")
    if declared_length(request) > limit:
        raise _too_long(limit)
    try:
        async with asyncio.timeout(request.app.state.patience):
            return await request.form(max_files=files, max_fields=20)
    except (TimeoutError, ClientDisconnect):
        raise HTTPException(408, "The form did not arrive in time.") from None


def declared_length(request: Request) -> int:
    """How long the request says it is: 0 when it does not, more than any limit for nonsense."""
    text = request.headers.get("content-length", "0")
    # More digits than any limit has; and int() takes its time with thousands of them.
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 10**20


def _too_long(limit: int) -> HTTPException:
    return HTTPException(413, f"At most {limit} bytes are taken here.")
