"""Everybody's builds go on, whatever one user's take."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from de_tasks.server.builds.turns import Turns
from tests.support.waiting import BOUND


def test_one_user_never_has_all_places() -> None:
    async def run() -> list[str]:
        turns, said = Turns("installs", most=3, each=2), list[str]()
        async with AsyncExitStack() as stack:
            for _ in range(2):
                await stack.enter_async_context(turns.turn("slow", said.append))
            third = asyncio.create_task(stack.enter_async_context(turns.turn("slow", said.append)))
            await asyncio.sleep(0)
            async with turns.turn("quick", said.append):
                assert not third.done()
            third.cancel()
        return said

    said = asyncio.run(asyncio.wait_for(run(), BOUND))
    assert said == ["       Waiting: 2 installs of slow are running, the limit for one user"]


def test_who_waits_is_told_why_and_comes_next() -> None:
    async def run() -> list[str]:
        turns, said = Turns("builds", most=1, each=1), list[str]()

        async def take(user: str) -> None:
            async with turns.turn(user, said.append):
                said.append(user)

        async with turns.turn("first", said.append):
            tasks = [asyncio.create_task(take(user)) for user in ("second", "third")]
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        return said

    said = asyncio.run(asyncio.wait_for(run(), BOUND))
    assert said[0] == "       Waiting: 1 builds are running, the limit"
    assert said[1].endswith("the limit, and 1 came before")
    assert said[2:] == ["second", "third"]


def test_place_of_who_gives_up_is_free_again() -> None:
    async def run() -> None:
        turns = Turns("builds", most=1, each=1)
        async with turns.turn("first", print):
            waiting = asyncio.create_task(turns.turn("second", print).__aenter__())
            await asyncio.sleep(0)
            waiting.cancel()
        async with turns.turn("third", print):
            pass

    asyncio.run(asyncio.wait_for(run(), BOUND))
