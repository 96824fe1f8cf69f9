"""The full matrix of faults and commands: `make faults`, or for some of them
`python -m tests.scenarios.matrix WORD...`.

Each cell meets its fault once, and then again and again. A cell is right when the command ends
with 0 or with the fault's own exit code and sentence, when the server's state shows its effect
once or not at all, when the next run succeeds, and when nothing is left behind. With words,
only commands or faults whose names have one of them.

Several processes share the work, each with a sandbox, a proxy and a person of its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme

from de_tasks.server import control
from tests.support.commands import COMMANDS
from tests.support.faults import CERTIFICATES, FAULTS, Fault, refused
from tests.support.operations import Operation
from tests.support.people import Done
from tests.support.stage import ATTEMPTS, DEADLINE, Stage, meeting, presenting, staged

ALWAYS = 1000
MAYBE = "may have happened"


@dataclass(frozen=True)
class Cell:
    """How a command ended that met a fault, and what is wrong with that, if anything."""

    command: str
    fault: str
    lasting: bool
    code: int
    wrong: str = ""


@dataclass(frozen=True)
class Work:
    """A command to cross with faults; `certificates` stands for the bad ones in their place."""

    command: Operation
    faults: tuple[Fault, ...] = ()
    certificates: tuple[str, ...] = ()


def wrong_of(stage: Stage, command: Operation, word: str, done: Done, codes: set[int]) -> list[str]:
    """What is wrong with the end of a command, but for its sentence."""
    effects = command.effects(stage, word)
    some = range(command.whole + 1) if command.parts else (0, command.whole)
    whole = done.code or effects == command.whole
    return [
        *([] if done.code in codes and "Traceback" not in done.err else ["exit code"]),
        *([] if effects in some and whole else [f"{effects} effects"]),
        *(["left behind"] if stage.left_behind() or stage.children() else []),
    ]


def ended(stage: Stage, command: Operation, wrong: list[str], done: Done) -> str:
    """All that is wrong, after one more run that nothing stands in the way of."""
    word = command.prepare(stage)
    again = command.run(stage, word)
    if again.code or command.effects(stage, word) != command.whole:
        wrong.append(f"the next run ended with {again.code}: {again.err}")
    return f"{', '.join(wrong)}\n{done}" if wrong else ""


def struck(stage: Stage, fault: Fault, command: Operation, lasting: bool) -> Cell:
    """Run a command that meets a fault, once or again and again."""
    times, seconds, attempts = (ALWAYS, 2, 2) if lasting else (1, DEADLINE, ATTEMPTS)
    word = command.prepare(stage)
    with meeting(stage, fault, command.target, times), stage.patience(seconds, attempts):
        done = command.run(stage, word)
    once, always, words = fault.ending(command.kind or command.name)
    codes = {0, once, always} if command.code is None else {0, command.code}
    wrong = wrong_of(stage, command, word, done, codes)
    if done.code and not re.search(f"{words}|{MAYBE}", done.out + done.err):
        wrong.append("no sentence")
    if fault.strike is not refused and not stage.proxy.struck:
        wrong.append("the fault was not met")
    wrong_text = ended(stage, command, wrong, done)
    return Cell(command.name, fault.name, lasting, done.code, wrong_text)


def distrusted(stage: Stage, kind: str, command: Operation) -> Cell:
    """Run a command against a server with a bad certificate."""
    word = command.prepare(stage)
    with presenting(stage, kind):
        done = command.run(stage, word)
    wrong = wrong_of(stage, command, word, done, {1, command.code or 0})
    if "is not trusted" not in done.out + done.err:
        wrong.append("no sentence")
    wrong_text = ended(stage, command, wrong, done)
    return Cell(command.name, f"certificate {kind}", True, done.code, wrong_text)


def crossed(stage: Stage, work: Work) -> Iterator[Cell]:
    """All cells of a command."""
    for fault in work.faults:
        yield struck(stage, fault, work.command, lasting=False)
        yield struck(stage, fault, work.command, lasting=True)
    for kind in work.certificates:
        yield distrusted(stage, kind, work.command)


@contextmanager
def stage_in(folder: Path, secure: bool) -> Iterator[Stage]:
    """A stage with a sandbox of its own."""
    folder.mkdir()
    running = control.start(folder / "data", {"port": 0, "rate_limit_points": 1_000_000})
    try:
        with staged(running, folder / "home", trustme.CA() if secure else None) as stage:
            yield stage
    finally:
        control.stop(running)


@dataclass(frozen=True)
class Shared:
    """What the processes share: the end, and the cells."""

    over: Any
    told: Any


def labour(folder: Path, shared: Shared, numbers: Any, works: Sequence[Work]) -> None:
    """Take work by its numbers until there is none, and tell each cell."""
    told = shared.told
    with stage_in(folder, secure=bool(works[0].certificates)) as stage:
        for number in iter(numbers.get, None):
            work = works[number]
            try:
                for cell in crossed(stage, work):
                    told.put(cell)
                    if shared.over.is_set():
                        return
            except Exception:
                # The other commands of this worker are still to be tried.
                told.put(Cell(work.command.name, "?", True, -1, traceback.format_exc()))
    told.put(None)


def cells(plain: Sequence[Work], secure: Sequence[Work], jobs: int) -> Iterator[Cell]:
    """Every cell, as it is done, by `jobs` processes and one more for the certificates."""
    system = multiprocessing.get_context("fork")
    shared = Shared(system.Event(), system.Queue())
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        labourers = []
        for kind, works, count in (("plain", plain, jobs), ("secure", secure, 1)):
            numbers = system.Queue()
            for number in (*range(len(works)), *[None] * count):
                numbers.put(number)
            for place in range(count if works else 0):
                given = (Path(folder) / f"{kind}{place}", shared, numbers, works)
                labourers.append(system.Process(target=labour, args=given))
        for one in labourers:
            one.start()
        try:
            for _ in labourers:
                yield from iter(shared.told.get, None)
        finally:
            # A command that runs takes an interrupt for its own; its process must end as well.
            shared.over.set()
            for one in labourers:
                one.join()


def summary(done: Iterable[Cell]) -> str:
    """A table with a row for each fault: commands that succeeded, and codes of the others."""
    rows: dict[str, list[Counter[str]]] = {}
    for cell in done:
        pair = rows.setdefault(cell.fault, [Counter(), Counter()])
        pair[cell.lasting]["ok" if cell.code == 0 else str(cell.code)] += 1
    lines = ["| fault | once | again and again |", "|---|---|---|"]
    order = {fault.name: number for number, fault in enumerate(FAULTS)}
    for fault, pair in sorted(rows.items(), key=lambda row: order.get(row[0], len(order))):
        shown = (", ".join(f"{n} {what}" for what, n in sorted(c.items())[::-1]) for c in pair)
        lines.append(f"| {fault} | {' | '.join(shown)} |")
    return "\n".join(lines)


def main() -> int:
    """Print the matrix; 1 when a cell is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.scenarios.matrix", description=__doc__)
    parser.add_argument("words", nargs="*", metavar="WORD")
    parser.add_argument("--jobs", type=int, default=4, help="processes (default: 4)")
    given = parser.parse_args()

    def chosen(name: str) -> bool:
        return not given.words or any(word in name for word in given.words)

    by_fault = tuple(fault for fault in FAULTS if chosen(fault.name)) or FAULTS
    by_command = [command for command in COMMANDS if chosen(command.name)] or COMMANDS
    plain = [Work(command, by_fault) for command in by_command]
    secure = [Work(command, certificates=tuple(CERTIFICATES)) for command in by_command]
    begin, done = time.monotonic(), list[Cell]()
    print("| command | fault | | ends with |\n|---|---|---|---|", flush=True)
    for cell in cells(plain, secure, given.jobs):
        done.append(cell)
        how, code = "lasting" if cell.lasting else "once", cell.code or "ok"
        print(f"| {cell.command} | {cell.fault} | {how} | {code} |", flush=True)
        if cell.wrong:
            print(f"WRONG  {cell.wrong}", flush=True)
    wrong = sum(bool(cell.wrong) for cell in done)
    succeeded = sum(not cell.code and not cell.wrong for cell in done)
    print(f"\n{summary(done)}\n")
    print(
        f"{len(by_command)} commands, {len(done)} cells in {(time.monotonic() - begin) / 60:.0f} "
        f"minutes: {succeeded} succeeded, {len(done) - succeeded - wrong} ended with the right "
        f"code and sentence, {wrong} are wrong."
    )
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
