"""Settings that Hypothesis makes up: as `invoke.yaml` lists them, and as an app has them."""

from __future__ import annotations

import sys
from typing import Any

from hypothesis import strategies as st

from de_tasks.platform.models import ACCESS_LEVELS, SERVICE_TYPES, Details, People, Service

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=11)
"""Too short for a secret: the detector takes a second to start."""
NAMES = st.sampled_from(("ann", "bob", "Cy", "dee", "Eve"))
TAG = st.sampled_from(("one", "Two", "three", "on", "1"))
OWN_PYTHON = f"3.{sys.version_info.minor}"
VARIABLE = st.sampled_from(("A", "B_2", "C"))


def lists(of: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    """Lists without a double entry, in any order."""
    return st.lists(of, unique_by=str.casefold, max_size=4)


PLAIN: dict[str, st.SearchStrategy[Any]] = {
    "title": TEXT,
    "description": TEXT,
    "view_access": st.sampled_from(ACCESS_LEVELS),
    "visible_on_portal": st.booleans(),
    "portal_rank": st.integers(-(2**31), 2**31 - 1),
    "maintainer_email": st.sampled_from(("", "me@example.com")),
    "persistent_filesystem": st.booleans(),
    "python_version": st.sampled_from(("", OWN_PYTHON)),
    "tags": lists(TAG),
}
"""Settings that any app takes."""
PEOPLE = st.fixed_dictionaries({"users": lists(NAMES), "groups": lists(NAMES)})
SOME = st.fixed_dictionaries(
    {"users": lists(st.sampled_from(("ann", "bob"))), "groups": lists(st.sampled_from(("g", "h")))}
)
REACHABLE = st.fixed_dictionaries(
    {},
    optional={
        **PLAIN,
        "viewers": SOME,
        "co_owners": SOME,
        "services": st.sampled_from(([], ["redis"])),
    },
).filter(bool)
"""Sections that a sandbox can carry out, where it has these people and groups."""
WISHES = st.fixed_dictionaries(
    {},
    optional={
        **PLAIN,
        "viewers": PEOPLE,
        "co_owners": PEOPLE,
        "services": st.lists(st.sampled_from(SERVICE_TYPES), unique=True),
        "scale": st.dictionaries(st.sampled_from(("web", "worker")), st.integers(0, 3)),
        "variables": lists(VARIABLE),
    },
)
"""Sections `settings`."""


def _people(users: list[str], groups: list[str]) -> People:
    return People(tuple(name.lower() for name in users), tuple(groups))


_HAVE = st.builds(_people, lists(NAMES), lists(NAMES))
_SERVICES = st.lists(st.sampled_from(SERVICE_TYPES), unique=True).map(
    lambda kinds: tuple(Service(f"app-{kind}", kind, "", "", ("app",)) for kind in kinds)
)
STATES = st.builds(
    Details,
    title=TEXT,
    description=TEXT,
    tags=lists(TAG).map(tuple),
    view_access=PLAIN["view_access"],
    visible_on_portal=st.booleans(),
    portal_rank=PLAIN["portal_rank"],
    maintainer_email=PLAIN["maintainer_email"],
    persistent_filesystem=st.booleans(),
    thumbnail_url=st.just(""),
    python_version=st.sampled_from(("", "3.9", OWN_PYTHON)),
    viewers=_HAVE,
    co_owners=_HAVE,
    variables=st.dictionaries(VARIABLE, TEXT),
    platform_variables=st.just({}),
    services=_SERVICES,
    scale=st.fixed_dictionaries({"web": st.integers(0, 3), "worker": st.integers(0, 3)}),
)
"""What an app has."""
