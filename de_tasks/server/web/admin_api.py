"""What a Dash Enterprise leaves to its sign-in service and the sandbox must offer itself:
making users, showing API keys and everybody's points.

For admins, and for who has the key of this run, which lies in the data directory: commands on
this machine then need nobody's password, and nobody's wrong passwords lock them out."""

from __future__ import annotations

import hmac
import json
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from de_tasks.errors import DeTasksError
from de_tasks.server.http.bodies import read_body
from de_tasks.server.users.accounts import Accounts
from de_tasks.server.users.administration import Administration
from de_tasks.server.users.authorization_header import Identity, address_of
from de_tasks.server.users.rate_limit import RateLimit

BODY_LIMIT = 64 * 1024


class AdminApi:
    """Routes below /sandbox."""

    def __init__(
        self,
        accounts: Accounts,
        administration: Administration,
        identity: Identity,
        limit: RateLimit,
        key: str,
    ) -> None:
        self._accounts = accounts
        self._administration = administration
        self._identity = identity
        self._limit = limit
        self._key = key

    def routes(self) -> list[Route]:
        """Routes below /sandbox."""
        return [
            Route("/users", self.users, methods=["GET", "POST"]),
            Route("/api-key", self.api_key, methods=["POST"]),
            Route("/points", self.points, methods=["GET", "POST"]),
        ]

    async def users(self, request: Request) -> Response:
        """List the users, or make one."""
        return await self._answer(request, self._add if request.method == "POST" else self._list)

    async def api_key(self, request: Request) -> Response:
        """Show a user's API key."""
        return await self._answer(request, self._api_key)

    async def points(self, request: Request) -> Response:
        """Every user's budget, and what was spent and refused since the sandbox started."""
        return await self._answer(request, self._points)

    async def _answer(self, request: Request, act: Any) -> Response:
        if not await self._admits(request):
            return JSONResponse({"error": "Only admins can do this."}, 403)
        try:
            body = json.loads(await read_body(request, BODY_LIMIT) or b"{}")
            return JSONResponse(act(body))
        except DeTasksError as error:
            return JSONResponse({"error": str(error)}, 400)
        except (ValueError, TypeError, AttributeError, RecursionError):
            return JSONResponse({"error": "The request is not a JSON object."}, 400)

    async def _admits(self, request: Request) -> bool:
        header = request.headers.get("authorization", "")
        if hmac.compare_digest(header.encode(), f"Bearer {self._key}".encode()):
            return True
        user = await self._identity.any(header, address_of(request))
        return user is not None and user.is_admin

    def _list(self, body: dict[str, Any]) -> dict[str, Any]:
        return {
            "users": [
                {
                    "username": user.username,
                    "role": user.role,
                    "groups": self._accounts.groups_of(user.username),
                }
                for user in self._accounts.all()
            ]
        }

    def _points(self, body: dict[str, Any]) -> dict[str, Any]:
        budgets = {u.username: self._limit.budget(u.username) for u in self._accounts.all()}
        return {
            name: {**asdict(budget), "remaining": budget.remaining}
            for name, budget in budgets.items()
        }

    def _add(self, body: dict[str, Any]) -> dict[str, Any]:
        name, role = str(body.get("username", "")), str(body.get("role", ""))
        groups = [str(group) for group in body.get("groups", [])]
        password = self._administration.add(
            username=name,
            role=role,
            groups=groups,
            password=str(body.get("password") or ""),
            brokered=bool(body.get("brokered")),
        )
        return {"username": name, "role": role, "groups": groups, "password": password}

    def _api_key(self, body: dict[str, Any]) -> dict[str, str]:
        name = str(body.get("username", ""))
        if self._accounts.get(name) is None:
            raise DeTasksError(f"There is no user {name!r}.")
        return {"username": name, "key": self._accounts.api_key(name)}
