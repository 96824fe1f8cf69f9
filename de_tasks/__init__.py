"""de-tasks: deploy and manage Dash apps on Dash Enterprise from invoke tasks.

A project's tasks.py needs one line: `from de_tasks import ns`.
"""

from invoke import Collection

from de_tasks.tasks.apps import create, logs, open_app, status
from de_tasks.tasks.apps import ns as apps
from de_tasks.tasks.deploy import deploy
from de_tasks.tasks.sandbox import ns as sandbox
from de_tasks.tasks.session import login, logout, whoami

__version__ = "0.1.0"

open = open_app
ns = Collection(login, logout, whoami, create, deploy, status, logs, open_app, apps, sandbox)

__all__ = [
    "apps",
    "create",
    "deploy",
    "login",
    "logout",
    "logs",
    "ns",
    "open",
    "sandbox",
    "status",
    "whoami",
]
