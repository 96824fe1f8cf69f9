"""`python -m de_tasks` is `de-tasks`."""

from de_tasks.program import main

main()
