"""`de-tasks`: the tasks as a program of their own, groups written with a space."""

from __future__ import annotations

import sys

from invoke import Program

import de_tasks


class DeTasksProgram(Program):
    """invoke's program, with the reference's form of `--version`."""

    def print_version(self) -> None:
        """Print the version as the reference does."""
        print(f"{self.name}, version {self.version}")


def rewrite(argv: list[str]) -> list[str]:
    """`de-tasks apps create` becomes invoke's `apps.create`, `deploy PATH` its `--path`."""
    name, *rest = argv
    groups = de_tasks.ns.collections
    if len(rest) > 1 and rest[0] in groups and not rest[1].startswith("-"):
        rest[:2] = [f"{rest[0]}.{rest[1]}"]
    if rest[:1] == ["deploy"] and len(rest) > 1 and not rest[1].startswith("-"):
        rest[1:2] = ["--path", rest[1]]
    return [name, *rest]


def main() -> None:
    """Run the program."""
    program = DeTasksProgram(namespace=de_tasks.ns, name="de-tasks", version=de_tasks.__version__)
    program.run(rewrite(sys.argv))


if __name__ == "__main__":
    main()
