"""A command line of the Procfile as the shell reads it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from de_tasks.project import checks
from de_tasks.project.checks import shell
from de_tasks.repo.sent import Sent, of_folder
from tests.support.checked import FLASK, PLAIN, codes, write

IN_SRC = """
cd src && gunicorn app:server
cd ./src; exec gunicorn app:server
(cd src && gunicorn app:server)
{ cd src; gunicorn app:server; }
pushd src >/dev/null && gunicorn app:server
cd src || exit 1; gunicorn app:server
bash -c 'cd src && gunicorn app:server'
sh -c "cd src && exec gunicorn -b :$PORT app:server"
PYTHONPATH=src gunicorn app:server
PYTHONPATH=$PWD/src:$PYTHONPATH gunicorn app:server
env A=1 PYTHONPATH=./src gunicorn app:server
env -C src gunicorn app:server
export PYTHONPATH=src && gunicorn app:server
gunicorn --env PYTHONPATH=src app:server
gunicorn --pythonpath lib,src app:server
gunicorn --pythonpath lib --pythonpath=src app:server
gunicorn --chdir=src app:server
gunicorn app:server --chdir $X
cd $X && gunicorn app:server
cd src && timeout -k 5 60 python -m gunicorn app:server
gunicorn src.app:server
cd src && python app.py
""".strip().splitlines()
AT_THE_TOP = """
gunicorn app:server --workers $(nproc) 2>&1 | tee app.log
gunicorn app:server -w $((2 * 2 + 1)) > out.log 2> err.log
gunicorn app:server --capture-output -
gunicorn -- app:server
if [ -n "$X" ]; then gunicorn app:server; else gunicorn app:app; fi
for i in 1 2; do echo $i; done; gunicorn app:server
case $X in a) gunicorn app:server;; *) gunicorn app:app;; esac
[[ -f x ]] && gunicorn app:server
mkdir -p data && date && gunicorn app:server
trap 'kill 0' EXIT; gunicorn app:server & wait
f() { gunicorn app:server; }; f
gunicorn ${APP:-app:server} # a comment (with brackets)
""".strip().splitlines()


@pytest.mark.parametrize("line", IN_SRC)
def test_code_is_found_where_the_command_runs(line: str, tmp_path: Path) -> None:
    files = {"Procfile": f"web: {line}\n", "app.py": None, "src/app.py": FLASK}
    assert codes(tmp_path, files) == ""


@pytest.mark.parametrize("line", AT_THE_TOP)
def test_what_the_shell_has_is_no_program_to_name(line: str, tmp_path: Path) -> None:
    assert codes(tmp_path, {"Procfile": f"web: {line}\n"}) == ""


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("cd src && gunicorn nope:server", "error:no-module"),
        ("(cd src) && gunicorn lib:server", "error:no-module"),
        ("cd nosuch && gunicorn app:server", "error:no-folder"),
        ("gunicorn --chdir nosuch app:server", "error:no-folder"),
        ("if true; then gunicorn nope:server; fi", "note:no-module"),
        ("W=`nproc` gunicorn nope:server", "note:no-module"),
        ("gunicorn -w 4 $OPTIONS nope:server", ""),
        ("gunicorn -b :$PORT nope:server", "error:no-module"),
        ("test -d src && cd src && gunicorn nope:server", "error:no-module"),
        ("test -d src && cd src; gunicorn nope:server", "note:no-module"),
        ("test -d src || cd src; gunicorn nope:server", "note:no-module"),
        ("eval $SETUP; gunicorn nope:server", "note:no-module"),
        ("env -- gunicorn nope:server", "error:no-module"),
        ("env -S 'A=1 gunicorn' nope:server", "error:no-module"),
        ("env --split-string='A=1 gunicorn' nope:server", "error:no-module"),
        ("bash -o pipefail -c 'gunicorn nope:server'", "error:no-module"),
        ("bash -euo pipefail -c 'gunicorn nope:server'", "error:no-module"),
        ("bash -c -e 'gunicorn nope:server'", "error:no-module"),
        ("cd src | cat; gunicorn lib:server", "error:no-module"),
        ("gunicorn -w $(echo ')' \\) \"a)\") nope:server", "note:no-module"),
        ("gunicorn 'app:server", "error:shell-syntax"),
        ("gunicorn app:create_app()", "error:shell-syntax"),
        ("cd src && gunicorn app:create_app('x') -w 4", "error:shell-syntax"),
    ],
)
def test_what_cannot_run_is_found_as_far_as_it_is_sure(
    line: str, found: str, tmp_path: Path
) -> None:
    assert codes(tmp_path, {"Procfile": f"web: {line}\n", "src/lib.py": FLASK}) == found


WORDS = "gunicorn app:server - -- -w --chdir cd src && ( ) $( ` sh -c ' \" python -m env exec"
WORDS += " timeout uv run --pythonpath pushd popd celery -A export PYTHONPATH= if << 2>&1 -e ; \\"


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Sent:
    """An app whose Procfile is written anew again and again."""
    folder = tmp_path_factory.mktemp("bare")
    write(folder, {**PLAIN, "src/app.py": FLASK})
    return of_folder(folder)


@settings(max_examples=100, deadline=None)
@given(text=st.lists(st.sampled_from(WORDS.split())).map(" ".join) | st.text(max_size=40))
def test_no_procfile_breaks_the_check(text: str, bare: Sent) -> None:
    assert bare.folder
    write(bare.folder, {"Procfile": ("web: " + text).encode("utf-8", "replace")})
    checks.of(Sent(bare.entries, bare.folder), "good-app", 50)


def test_brackets_are_named_as_they_stand() -> None:
    (call,) = shell.read("gunicorn app:make('x') -w 4")
    assert call == shell.UnquotedCall("app:make('x')")
