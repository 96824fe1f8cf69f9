"""Services: databases, and their links to apps."""

from __future__ import annotations

from typing import Any, cast

from de_tasks.errors import UsageError
from de_tasks.server.api.endpoint import Context
from de_tasks.server.api.resolvers.base import OK, REFRESH, mutation, query
from de_tasks.server.api.resolvers.shapes import Shapes
from de_tasks.server.apps import Apps
from de_tasks.server.services.services import Kind, Services


class ServiceResolvers:
    """Fields about services."""

    def __init__(self, apps: Apps, services: Services, shapes: Shapes) -> None:
        self._apps = apps
        self._services = services
        self._shapes = shapes

    @query
    async def services(self, context: Context) -> list[dict[str, Any]]:
        return [self._shapes.service(row) for row in self._services.visible(context.user)]

    @mutation({"service": None})
    async def add_service(
        self, context: Context, name: str | None = None, serviceType: str | None = None
    ) -> dict[str, Any]:
        row = await self._services.add(context.user, name, _kind(serviceType))
        return {"service": self._shapes.service(row)}

    @mutation(OK)
    async def delete_service(
        self, context: Context, name: str | None = None, serviceType: str | None = None
    ) -> dict[str, Any]:
        await self._services.delete(context.user, name, _kind(serviceType))
        return {"ok": True}

    @mutation({"service": None})
    async def update_service(
        self, context: Context, name: str, serviceType: str, memory: str | None = None
    ) -> dict[str, Any]:
        row = await self._services.limit(context.user, name, _kind(serviceType), memory)
        return {"service": self._shapes.service(row)}

    @mutation(REFRESH)
    async def link_service(
        self,
        context: Context,
        appname: str | None = None,
        serviceName: str | None = None,
        serviceType: str | None = None,
    ) -> dict[str, Any]:
        app = self._apps.need(context.user, appname)
        kind = _kind(serviceType)
        return {
            "ok": True,
            "refresh": await self._services.link(context.user, app, serviceName, kind),
        }

    @mutation(REFRESH)
    async def unlink_service(
        self,
        context: Context,
        appname: str | None = None,
        serviceName: str | None = None,
        serviceType: str | None = None,
    ) -> dict[str, Any]:
        app = self._apps.need(context.user, appname)
        kind = _kind(serviceType)
        return {
            "ok": True,
            "refresh": await self._services.unlink(context.user, app, serviceName, kind),
        }


def _kind(text: str | None) -> Kind:
    # Published examples use both spellings of ServiceType.
    if not text:
        raise UsageError("serviceType is redis or postgres.")
    return cast(Kind, text.lower())
