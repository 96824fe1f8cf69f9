"""This repository's own tasks: its collections, and its tests and linters."""

from invoke import Context, task

from de_tasks import ns


@task
def test(context: Context) -> None:
    """Lint, type-check, and run the test suite."""
    context.run("make test")


@task
def demo(context: Context) -> None:
    """Do the main job on a sandbox, and show it."""
    context.run("make demo")


@task
def reference(context: Context) -> None:
    """Write docs/commands/ anew from the tasks."""
    from docs import generate

    print("\n".join(generate.write()) or "Nothing has changed.")


ns.add_task(test)
ns.add_task(reference)
ns.add_task(demo)
