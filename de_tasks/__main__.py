"""`python -m de_tasks` is `de-tasks`."""

import os
import sys

if sys.path[:1] == [os.getcwd()]:
    # Python puts the current folder first for -m: its modules are not ours.
    del sys.path[0]

from de_tasks.cli.program import main

main()
