"""deploy: the command that people type every day."""

from __future__ import annotations

from pathlib import Path

import invoke

from de_tasks import console
from de_tasks.config import default_folder
from de_tasks.tasks.base import app_name, connect, settings, task


@task(
    help={
        "message": "What changed, for the deploy's commit",
        "ref": "Deploy this commit of the folder's repository, not the files as they are",
    }
)
def deploy(
    context: invoke.Context,
    path: str = "",
    name: str = "",
    message: str = "",
    ref: str = "",
    yes: bool = False,
) -> None:
    """Deploy the app of a folder, follow its build, and wait until it answers."""
    from de_tasks import deployment
    from de_tasks.repo.cache import DeployRepository
    from de_tasks.repo.git import Remote
    from de_tasks.repo.source import find_commit

    values = settings(context, path=path)
    folder = Path(values.path).expanduser()
    deployment.check_folder(folder)
    wanted = app_name(values, name)
    source = find_commit(folder, ref) if ref else folder
    connection = connect(context, path=path)

    def remote(url: str) -> Remote:
        return Remote(url, values.branch, connection.session.header(), values.ca_path)

    plan = deployment.Plan(
        wanted,
        source,
        connection.session.login.username,
        connection.host.name,
        message,
        remote,
        lambda question: console.confirm(question, yes),
    )
    cache = Path(values.cache).expanduser() if values.cache else default_folder("cache")
    repository = DeployRepository(cache, connection.host.name, wanted)
    for event in deployment.deploy(plan, repository, connection.platform, values.timeout):
        (console.result if event.kind == "done" else console.note)(event.text)
