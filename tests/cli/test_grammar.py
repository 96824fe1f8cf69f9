"""`de-tasks` reads the reference's grammar, and says in one line what it cannot read."""

from __future__ import annotations

import json
import os
import re
import subprocess

import pytest
from invoke import Argument
from invoke.parser import ParserContext

import de_tasks
from de_tasks.cli.grammar import Grammar
from de_tasks.cli.help import Help, Manual
from de_tasks.errors import UsageError
from tests.support.people import PROGRAMS, TASKS, Person
from tests.support.waiting import BOUND

CORE = ParserContext(args=[Argument("host"), Argument("no-keyfile", kind=bool)])
GRAMMAR = Grammar("de-tasks", de_tasks.ns, CORE)


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("whoami", ["whoami"]),
        ("--host h whoami", ["--host=h", "whoami"]),
        ("whoami --host=h", ["whoami", "--host=h"]),
        ("--no-keyfile apps list", ["--no-keyfile", "apps.list"]),
        ("apps create --name x", ["apps.create", "--name=x"]),
        ("apps create -n x", ["apps.create", "--name=x"]),
        ("apps create -nx", ["apps.create", "--name=x"]),
        ("apps.create -n=x", ["apps.create", "--name=x"]),
        ("deploy there -ym words", ["deploy", "--path=there", "--yes", "--message=words"]),
        ("deploy -y -m--dashes there", ["deploy", "--yes", "--message=--dashes", "--path=there"]),
        ("apps update --add-viewer -", ["apps.update", "--add-viewer=-"]),
        ("apps update --title --x", ["apps.update", "--title=--x"]),
        ("services exists -n x -t redis", ["services.exists", "--name=x", "--type=redis"]),
    ],
)
def test_line_is_read(line: str, read: list[str]) -> None:
    assert GRAMMAR.read(line.split()) == read


FOLDERS = [
    *("check", "deploy", "diff", "init", "run", "hooks install", "hooks uninstall"),
    "hooks status",
    *("preview deploy", "preview delete", "preview prune"),
]


@pytest.mark.parametrize("command", FOLDERS)
def test_every_command_that_takes_a_folder_takes_it_as_a_word(command: str) -> None:
    with_path = {str(c.name) for c in de_tasks.ns.to_contexts() if "path" in c.args}
    named = [name.replace(" ", ".") for name in FOLDERS]
    assert with_path == {*named, "create", "apps.create"}
    name = command.replace(" ", ".")
    assert GRAMMAR.read([*command.split(), "there"]) == [name, "--path=there"]
    page = Manual("de-tasks", de_tasks.ns, CORE).page(Help(tuple(command.split())))
    assert page.startswith(f"Usage: de-tasks {command} [OPTIONS] [PATH]")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", ()),
        ("--help", ()),
        ("apps", ("apps",)),
        ("apps --help", ("apps",)),
        ("apps create -n x --help", ("apps", "create")),
        ("deploy --help", ("deploy",)),
    ],
)
def test_help_is_asked_for_at_every_level(line: str, words: tuple[str, ...]) -> None:
    assert GRAMMAR.read(line.split()) == Help(words)
    page = Manual("de-tasks", de_tasks.ns, CORE).page(Help(words))
    assert page.startswith(" ".join(("Usage: de-tasks", *words, "[OPTIONS]")))
    assert "--help" in page and "Show this message and exit." in page


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("apss", "No such command: 'apss'. Did you mean apps? Commands: access, "),
        ("apps make", "No such command: 'apps make'."),
        (
            "--hots x whoami",
            "No such option: --hots. Did you mean --host? Options of de-tasks: --host, ",
        ),
        (
            "apps create --nmae x",
            "No such option: --nmae. Did you mean --name? Options of apps create: --name, ",
        ),
        ("apps create -x y", "No such option: -x. Options of apps create: --name, "),
        ("apps create -xn", "No such option: -xn. Options of apps create: --name, "),
        ("apps create --name", "Option --name needs a value."),
        ("whoami --json=yes", "Option --json takes no value."),
        ("deploy -y=no", "Option --yes takes no value."),
        ("apps exists x", "apps exists does not take 'x'. Did you mean --name x?"),
        ("apps create x", "apps create does not take 'x'. Did you mean --name x?"),
        ("deploy a b", "deploy does not take 'b'. Options: --path, "),
    ],
)
def test_what_cannot_be_read_is_named(line: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        GRAMMAR.read(line.split())
    assert str(raised.value).startswith(message) and "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("services", ["create", "delete", "exists", "list", "update"]),
        ("services cre", ["create", "delete", "exists", "list", "update"]),
        ("--host h services", ["create", "delete", "exists", "list", "update"]),
        ("services list redis", []),
        ("whoami x", []),
        ("nope x", []),
        ("--", ["--host", "--no-keyfile", "--help"]),
        ("--host", []),
        ("--no-keyfile", ["--host", "--no-keyfile", "--help"]),
        ("apps exists -n", []),
        ("apps exists --nope", ["--name", "--exit-code", "--json", "--help"]),
        ("apps.exists -", ["--name", "--exit-code", "--json", "--help"]),
    ],
)
def test_shell_is_offered_what_may_follow(line: str, offered: list[str]) -> None:
    assert GRAMMAR.candidates(line.split()) == offered


def test_shell_asks_the_program_itself(nobody: Person) -> None:
    done = nobody.run(["--complete", "--", "de-tasks", "--host", "h", "services"])
    assert (done.code, done.out.split()) == (0, ["create", "delete", "exists", "list", "update"])


def test_first_word_may_be_a_command_or_a_group() -> None:
    assert {"deploy", "apps", "whoami"} <= set(GRAMMAR.candidates([]))
    assert GRAMMAR.candidates(["--host", "h"]) == GRAMMAR.candidates(["--no-keyfile", "de"])


def test_option_that_is_long_has_a_line_of_its_own() -> None:
    core = ParserContext(args=[Argument("the-number-of-something-that-is-long", help="Words.")])
    page = Manual("de-tasks", de_tasks.ns, core).page(Help())
    assert f"\n  --the-number-of-something-that-is-long TEXT\n{' ' * 38}Words.\n" in page


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("apps exists --name=", "--name is empty: name the app, or leave the option out."),
        ("apps exists -n Bad", "'Bad' is not a legal app name"),
        ("apps delete", "There is no terminal to ask: Delete "),
        ("services delete -t redis", "There is no terminal to ask: Delete the redis "),
        ("apps logs -t other", "--type is build or runtime, not 'other'."),
        ("services list -t x", "--type is redis, postgres or all, not 'x'."),
        ("services create --app-name x", "Say which type: --type redis or postgres."),
        ("services exists -n x -t all", "--type is redis or postgres, not 'all'."),
        (
            "apps update --view-access all",
            "--view-access is restricted, authenticated or unauthenticated, not 'all'.",
        ),
    ],
)
@pytest.mark.parametrize("program", ["de-tasks", "inv"])
def test_bad_value_is_named_with_the_choices(
    program: str, line: str, message: str, dev: Person
) -> None:
    done = dev.run(line, program=program)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(message) and done.err.count("\n") <= 2


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("dploy", "deploy"),
        ("logs --process web", "--process-name"),
        ("apps.lst", "apps.list"),
        ("--help=dploy", "deploy"),
    ],
)
def test_invoke_proposes_what_may_be_meant(line: str, meant: str, nobody: Person) -> None:
    done = nobody.inv(*line.split())
    assert done.code == 2 and done.err.endswith(f" is! Did you mean {meant}?\n"), done.err


def test_what_invoke_cannot_read_is_a_document_where_one_is_asked_for(nobody: Person) -> None:
    done = nobody.inv("status", "--json", "--nope")
    error = json.loads(done.out)["error"]
    assert (done.code, error["code"], error["class"]) == (2, 2, "UsageError")
    assert error["message"] == done.err.strip()


def test_invoke_proposes_nothing_that_is_unlike(nobody: Person) -> None:
    assert nobody.inv("zzz").err == "No idea what 'zzz' is!\n"


def test_help_shows_numbers_as_numbers() -> None:
    contexts = {str(context.name): context for context in de_tasks.ns.to_contexts()}
    words = ("Seconds", "Days", "Port ", "How m", "How long", "Number", "Rank", "Points", "Length")
    for name, context in contexts.items():
        for argument in context.args.values():
            number = (argument.help or "").startswith(words) and argument.takes_value
            assert (argument.kind is int) == number, f"{name} --{argument.name}: {argument.help}"
    page = Manual("de-tasks", de_tasks.ns, CORE).page(Help(("deploy",)))
    assert "--timeout INTEGER" in page and "--message TEXT" in page
    assert contexts["deploy"].help_for("--timeout")[0] == "--timeout=INT"


@pytest.mark.parametrize("group", ["workspaces", "data-sources"])
def test_groups_that_are_not_here_say_so(group: str, nobody: Person) -> None:
    for program, words in (
        ("de-tasks", [group, "list", "--name", "x"]),
        ("inv", [group]),
        ("inv", [f"{group}.list"]),
    ):
        done = nobody.run(words, program=program)
        assert (done.code, done.out) == (1, "")
        assert "are not available here" in done.err and len(done.err.splitlines()) == 1
    assert group not in nobody.run("--help").out + nobody.run("--list", program="inv").out


def test_every_group_has_its_line_in_the_help() -> None:
    page = Manual("de-tasks", de_tasks.ns, CORE).page(Help())
    assert re.search(r"^  hooks +\w", page, re.MULTILINE)
    assert all(group.__doc__ for group in de_tasks.ns.collections.values())


@pytest.mark.parametrize("line", [("de-tasks", "--help"), ("inv", "--list")])
def test_output_that_nobody_reads_ends_quietly(line: tuple[str, str], nobody: Person) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    (nobody.home / "tasks.py").write_text(TASKS)
    done = subprocess.run(
        [str(PROGRAMS / line[0]), line[1]],
        cwd=nobody.home,
        env=nobody.variables(),
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=BOUND,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")
