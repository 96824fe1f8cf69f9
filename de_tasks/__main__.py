"""`python -m de_tasks` is `de-tasks`."""

from de_tasks.cli.program import main

main()
