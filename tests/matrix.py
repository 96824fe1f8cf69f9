"""The full matrix of faults and commands: `make faults`, or `python -m tests.matrix [WORD...]`.

Each cell meets its fault once, and then again and again. A cell is right when the command ends
with 0 or with the fault's own exit code and sentence, when the server's state shows its effect
once or not at all, when the next run succeeds, and when nothing is left behind. With words,
only commands or faults whose names have one of them.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

from de_tasks.server import control
from tests.support.commands import COMMANDS
from tests.support.faults import FAULTS, Fault
from tests.support.people import Done
from tests.support.stage import Operation, Stage, meeting, staged

ALWAYS = 1000
MAYBE = "may have happened"


def problems(stage: Stage, fault: Fault, operation: Operation, times: int) -> tuple[Done, str]:
    """Run a cell; returns how the command ended, and what is wrong with that, if anything."""
    word = operation.prepare(stage)
    with meeting(stage, fault, operation.target, times), stage.patience(4, 4 if times == 1 else 2):
        done = operation.run(stage, word)
    once, lasting, words = fault.ending(operation.kind or operation.name)
    effects = operation.effects(stage, word)
    right = done.code in (0, once, lasting) and "Traceback" not in done.err
    said = done.code == 0 or re.search(f"{words}|{MAYBE}", done.err)
    state = effects in (0, operation.whole) and (done.code or effects == operation.whole)
    wrong = [
        *([] if right else [f"exit code {done.code}"]),
        *([] if said else ["no sentence"]),
        *([] if state else [f"{effects} effects"]),
        *(["left behind"] if stage.left_behind() or stage.children() else []),
    ]
    again = operation.run(stage, operation.prepare(stage))
    if again.code:
        wrong.append(f"the next run ended with {again.code}: {again.err}")
    return done, ", ".join(wrong)


def cell(stage: Stage, fault: Fault, operation: Operation, found: Counter[str]) -> str:
    """Run a fault against a command, in both ways; returns what stands in the table."""
    shown = []
    for times in (1, ALWAYS):
        done, wrong = problems(stage, fault, operation, times)
        found["cells"] += 1
        found["wrong"] += bool(wrong)
        found["succeeded"] += done.code == 0
        shown.append("ok" if done.code == 0 else str(done.code))
        if wrong:
            kind = "once" if times == 1 else "lasting"
            print(f"WRONG  {fault.name}, {operation.name}, {kind}: {wrong}\n{done}", flush=True)
    return " / ".join(shown)


def main(words: list[str]) -> int:
    """Print the matrix; 1 when a cell is wrong."""

    def chosen(name: str) -> bool:
        return not words or any(word in name for word in words)

    by_fault = [fault for fault in FAULTS if chosen(fault.name)] or FAULTS
    by_command = [command for command in COMMANDS if chosen(command.name)] or COMMANDS
    found: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        options = {"port": control.free_port(), "rate_limit_points": 1_000_000}
        running = control.start(Path(folder) / "data", options)
        try:
            with staged(running, Path(folder) / "home") as stage:
                print("| command | fault | once / lasting |\n|---|---|---|")
                for command in by_command:
                    for fault in by_fault:
                        row = cell(stage, fault, command, found)
                        print(f"| {command.name} | {fault.name} | {row} |", flush=True)
        finally:
            control.stop(running)
    print(
        f"\n{found['cells']} cells: {found['succeeded']} succeeded, "
        f"{found['cells'] - found['succeeded'] - found['wrong']} ended with the right code and "
        f"sentence, {found['wrong']} are wrong."
    )
    return bool(found["wrong"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
