"""A main app to make previews of."""

from __future__ import annotations

import secrets

import pytest

from de_tasks.deployment.previews.prepare import WantedPreview
from de_tasks.platform.graphql.operations import GraphQLPlatform
from de_tasks.platform.models import Changes, People
from de_tasks.server import control
from tests.support.people import People as Users
from tests.support.people import Person
from tests.support.platforms import platform_of
from tests.support.previews import PICTURE, Wish


@pytest.fixture
def platform(sandbox: control.Running, dev: Person) -> GraphQLPlatform:
    """The platform as dev sees it."""
    return platform_of(sandbox, dev.name)


@pytest.fixture
def main_app(platform: GraphQLPlatform, people: Users) -> str:
    """A main app with settings, people, variables and a database."""
    name = f"m-{secrets.token_hex(4)}"  # So short that the names of previews begin with all of it.
    platform.create_app(name)
    changes = Changes(
        title="Energy",
        description="Of all sites",
        tags=("team", "blue"),
        view_access="restricted",
        visible_on_portal=True,
        portal_rank=7,
        maintainer_email="me@example.com",
        persistent_filesystem=True,
        add_viewers=People((people["viewer"].name,)),
        add_co_owners=People((people["admin"].name,)),
        set_variables={"SHARED": "one", "SECRET": "two"},
        thumbnail=PICTURE,
    )
    assert platform.update(name, changes) == []
    return name


@pytest.fixture
def wanted(dev: Person) -> Wish:
    """Makes dev's wish for the preview of branch feature/x of an app."""

    def made(app: str, **others: object) -> WantedPreview:
        return WantedPreview(app, "feature/x", dev.name, "here", **others)  # type: ignore[arg-type]

    return made
