"""deploy: the command that people type every day."""

from __future__ import annotations

from pathlib import Path

import invoke

from de_tasks import console
from de_tasks.config import default_folder
from de_tasks.tasks.base import app_name, connect, settings, task


@task(help={"message": "What changed, for the deploy's commit"})
def deploy(
    context: invoke.Context, path: str = "", name: str = "", message: str = "", yes: bool = False
) -> None:
    """Deploy the app of a folder, follow its build, and wait until it answers."""
    from de_tasks import deployment
    from de_tasks.repo import source
    from de_tasks.repo.cache import DeployRepository, Remote

    values = settings(context, path=path)
    folder = Path(values.path).expanduser()
    deployment.check_folder(folder)
    wanted = app_name(values, name)
    connection = connect(context, path=path)
    user = connection.session.login.username
    app = connection.platform.app(wanted)
    created = app is None
    if app is None:
        question = f"{wanted} does not exist on {connection.host.name}. Create it?"
        if not console.confirm(question, yes):
            raise invoke.Exit("Nothing was deployed.", code=1)
        app = connection.platform.create_app(wanted)
        console.note(f"App {wanted} was initialized on [{connection.host.name}].")
    elif app.build and app.build.author not in (user, ""):
        question = (
            f"{wanted} was deployed by {app.build.author} at {app.build.queued_at}. Overwrite?"
        )
        if not console.confirm(question, yes):
            raise invoke.Exit("Nothing was deployed.", code=1)
    remote = Remote(app.git_url, values.branch, connection.session.header(), values.ca_path)

    def describe() -> str:
        origin = source.describe(folder)
        subject = message or f"Deploy {origin or folder.resolve().name}"
        return f"{subject}\n\nDe-Source: {origin}" if origin else subject

    plan = deployment.Plan(app, folder, remote, describe, user, created)
    cache = Path(values.cache) if values.cache else default_folder("cache")
    repository = DeployRepository(cache, connection.host.name, wanted)
    console.note(f"Deploying {wanted} to {connection.host.name} as {user}")
    for event in deployment.deploy(plan, repository, connection.platform, values.timeout):
        (console.result if event.kind == "done" else console.note)(event.text)
