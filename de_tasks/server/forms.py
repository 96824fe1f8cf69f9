"""Reading posted forms: small ones, within a time."""

from __future__ import annotations

import asyncio

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request

LIMIT = 64 * 1024
SECONDS = 20


async def read_form(request: Request) -> FormData:
    """The form. Raises `HTTPException`: 411 without a length, 413 for more than `LIMIT` bytes,
    408 for a client that takes longer than `SECONDS`, 400 for what is no form."""
    # The declared length is checked before anything is read: HTTP holds the body to it.
    length = request.headers.get("content-length", "")
    if not (length.isascii() and length.isdigit()):
        raise HTTPException(411, "A form declares its length.")
    if int(length[:20]) > LIMIT:
        raise HTTPException(413, f"A form has at most {LIMIT} bytes.")
    try:
        async with asyncio.timeout(SECONDS):
            return await request.form(max_files=0, max_fields=20)
    except TimeoutError:
        raise HTTPException(408, "The form did not arrive in time.") from None
