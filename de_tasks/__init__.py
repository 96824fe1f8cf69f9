"""de-tasks: deploy and manage Dash apps on Dash Enterprise from invoke tasks.

A project's tasks.py needs one line: `from de_tasks import ns`.
"""

TYPE_CHECKING = False  # typing's, without importing typing
if TYPE_CHECKING:
    from de_tasks.tasks import *  # noqa: F403

__version__ = "0.1.0"

__all__ = [
    "access",
    "apps",
    "cancel",
    "check",
    "create",
    "delete",
    "deploy",
    "diff",
    "docs",
    "doctor",
    "fleet",
    "history",
    "hooks",
    "init",
    "login",
    "logout",
    "logs",
    "ns",
    "open",
    "preview",
    "promote",
    "restart",
    "rollback",
    "run",
    "sandbox",
    "services",
    "status",
    "update",
    "variables",
    "whoami",
]


def __getattr__(name: str) -> object:
    """A task or collection, loaded when it is first asked for (PEP 562).

    A git hook runs at every push and needs none of them, and invoke alone takes 0.1 s to import.
    """
    if name in __all__:
        from importlib import import_module

        return getattr(import_module("de_tasks.tasks"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
