"""The invoke collections: what is typed and what is printed, nothing else."""

from invoke import Collection

from de_tasks.config.import_path import installed_first

with installed_first():
    from de_tasks.tasks.access import ns as access
    from de_tasks.tasks.apps import cancel, create, delete, logs, open_app, restart, status, update
    from de_tasks.tasks.apps import ns as apps
    from de_tasks.tasks.check import check
    from de_tasks.tasks.deploy import deploy, diff, history, rollback
    from de_tasks.tasks.fleet import ns as fleet
    from de_tasks.tasks.hooks import ns as hooks
    from de_tasks.tasks.init import init
    from de_tasks.tasks.invoke_program import improve
    from de_tasks.tasks.local import docs, doctor, run
    from de_tasks.tasks.login import login, logout, whoami
    from de_tasks.tasks.preview import ns as preview
    from de_tasks.tasks.promote import promote
    from de_tasks.tasks.sandbox import ns as sandbox
    from de_tasks.tasks.services import ns as services
    from de_tasks.tasks.variables import ns as variables

improve()
open = open_app
ns = Collection(
    login,
    logout,
    whoami,
    create,
    deploy,
    diff,
    history,
    rollback,
    promote,
    status,
    logs,
    update,
    restart,
    cancel,
    delete,
    check,
    open_app,
    init,
    docs,
    doctor,
    run,
    apps,
    services,
    variables,
    access,
    preview,
    fleet,
    hooks,
    sandbox,
)
