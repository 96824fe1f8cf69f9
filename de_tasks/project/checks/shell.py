"""A command line of the Procfile as the shell reads it: which programs run, where, and with what.

It follows `cd`, `pushd`, subshells, wrappers and PYTHONPATH. Where it cannot follow (keywords,
substitutions), the rest of the line is unsure: what is found there is a note, never an error.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

OPERATOR = re.compile(r"&&|\|\||;;|<<<|<<|>>|>&|<&|&>|>\||[();<>|&]")
PUNCTUATION = set("();<>|&")
ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)\+?=(.*)", re.DOTALL)
VALUE, SUBSTITUTED = "\ue000", "\ue001"
"""Stand in a word for what only the shell knows: a variable's value, and a command's output."""
KEYWORDS = frozenset(
    "if then elif else fi for while until do done case esac select function { } ! [[ ]] in".split()
)
COREUTILS = frozenset(
    """[ . : alias awk base64 basename bash bg break builtin bzip2 cat cd chgrp chmod chown cksum
    command comm continue cp curl cut dash date dd declare df diff dir dirname du echo egrep env
    eval exec exit expand export expr factor false fg fgrep find fmt fold getopts git grep groups
    gunzip gzip hash head hostname id install ionice jobs join kill let ln local logname ls md5sum
    mkdir mkfifo mktemp more mv nice nl nohup nproc nslookup od openssl paste pathchk pgrep pip
    pip3 pkill popd pr printenv printf ps pushd pwd read readlink readonly realpath return rm rmdir
    script sed seq set setsid sh sha1sum sha256sum shift shopt shuf sleep sort source split stat
    stdbuf stty sum sync tac tail tar tee test time timeout times touch tr trap true truncate tty
    type typeset ulimit umask unalias uname unexpand uniq unlink unset unzip uptime wait watch wc
    wget which who whoami xargs xz yes zcat zip node npm npx yarn""".split()
)
"""Programs and builtins that every such machine has: no requirement brings them."""
SHELLS = ("sh", "bash", "dash", "zsh", "ksh")
# Wrappers, with their options that a value follows; what comes after is the command.
WRAPPERS: dict[str, tuple[str, ...]] = {
    "exec": ("-a",),
    "command": (),
    "builtin": (),
    "time": ("-f", "-o", "--format", "--output"),
    "nice": ("-n", "--adjustment"),
    "nohup": (),
    "ionice": ("-c", "-n", "--class", "--classdata"),
    "setsid": (),
    "stdbuf": ("-i", "-o", "-e", "--input", "--output", "--error"),
    "timeout": ("-s", "-k", "--signal", "--kill-after"),
    "env": ("-u", "-C", "--unset", "--chdir"),
    "tini": ("-p",),
    "dumb-init": (),
}
RUNNERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "newrelic-admin": ("run-program", ()),
    "ddtrace-run": ("", ()),
    "opentelemetry-instrument": ("", ()),
    "dotenv": ("run", ("-f", "--file")),
    "poetry": ("run", ("-C", "--directory", "-P", "--project")),
    "pipenv": ("run", ()),
    "uv": ("run", ("--with", "--extra", "--group", "--python", "-p", "--project", "--directory")),
    "pdm": ("run", ()),
    "hatch": ("run", ()),
    "conda": ("run", ("-n", "--name", "-p", "--prefix")),
    "doppler": ("run", ("-p", "--project", "-c", "--config")),
    "memray": ("run", ("-o", "--output")),
    "py-spy": ("record", ("-o", "--output", "-r", "--rate")),
    "coverage": ("run", ("--rcfile", "--source")),
    "xvfb-run": ("", ("-s", "--server-args", "-n")),
    "kernprof": ("", ()),
    "watchmedo": ("auto-restart", ("-d", "-p", "--directory", "--pattern", "--patterns")),
    "watchfiles": ("", ()),
}
"""Programs of packages that run another one: the word that says so, and options with values."""


@dataclass(frozen=True)
class Command:
    """One program that runs: its words, the folder that it runs in (None: not known), the
    folders of PYTHONPATH, and from which word on the line cannot be followed (None: it can)."""

    words: tuple[str, ...]
    folder: str | None = "."
    paths: tuple[str, ...] = ()
    unsure_from: int | None = None

    def sure(self, word: int = 0) -> bool:
        """Whether the line can be followed up to this word."""
        return self.unsure_from is None or word < self.unsure_from


@dataclass(frozen=True)
class UnquotedCall:
    """A `(` after a word, which no shell takes: the word and what stands in the brackets."""

    text: str


@dataclass
class _State:
    folder: str | None
    paths: tuple[str, ...]
    sure: bool
    back: tuple[str | None, ...] = ()


def read(text: str) -> Iterator[Command | UnquotedCall]:
    """The commands of a line. Raises `ValueError` for a quote without its partner."""
    return _read(text, _State(".", (), sure=True))


def known(word: str) -> bool:
    """Whether a word is what it says: nothing in it is for the shell to fill in."""
    return VALUE not in word and SUBSTITUTED not in word


def _read(text: str, state: _State) -> Iterator[Command | UnquotedCall]:
    words: list[str] = []
    stack: list[_State] = []
    redirected, before, wandered = False, ";", False
    tokens = [*_tokens(_prepared(text)), ";"]
    for at, token in enumerate(tokens):
        if not set(token) <= PUNCTUATION:
            if not redirected:
                words.append(token)
            redirected = False
            continue
        redirected = token[0] in "<>" or token == "&>"
        if redirected:
            continue
        if token == "(" and any(not ASSIGNMENT.fullmatch(word) for word in words):
            if state.sure and not (len(words) == 1 and tokens[at + 1] == ")"):
                yield UnquotedCall(_call(words[-1], text))
            # A function, or what the shell refuses: nothing behind it can be followed.
            return
        if words[:1] in (["cd"], ["pushd"]) and before in ("&&", "||"):
            # Whether it gets there depends on what was before it.
            state.sure = state.sure and before == "&&"
            wandered = True
        yield from _command(words, state, piped=token == "|" or before == "|")
        words, before = [], token
        if token in (";", "&") and wandered:
            state.sure = False
        if token == "(":
            stack.append(replace(state))
        elif token == ")" and stack:
            outer, sure = stack.pop(), state.sure
            state.folder, state.paths, state.back = outer.folder, outer.paths, outer.back
            state.sure = outer.sure and sure
        elif token == ")":
            state.sure = False


def _call(word: str, text: str) -> str:
    found = re.search(rf"{re.escape(word)}\s*\([^)]*\)?", text)
    return found[0] if found else f"{word}(...)"


def _tokens(prepared: str) -> Iterator[str]:
    lexer = shlex.shlex(prepared, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    for token in lexer:
        if set(token) <= PUNCTUATION and token:
            yield from OPERATOR.findall(token)
        elif token:
            yield token


SUBSTITUTION = re.compile(r"`|\$\(|[<>]\(")
VARIABLE = re.compile(r"\$(\w+|[@*#?$!-])")
NUMBER = re.compile(r"\d+(?=[<>])")


def _prepared(text: str) -> str:
    """The line with a mark for each substitution and variable, without comments and without the
    numbers of redirected files."""
    made: list[str] = []
    at, quote, begins = 0, "", True
    while at < len(text):
        char, mark, end = text[at], "", at + 1
        plain = quote != "'"
        if plain and char == "\\":
            mark, end = text[at : at + 2], at + 2
        elif char in "'\"" and quote in ("", char):
            quote = "" if quote else char
        elif plain and SUBSTITUTION.match(text, at) and not (quote and char in "<>"):
            mark, end = SUBSTITUTED, _end_of(text, at)
        elif plain and text.startswith("${", at):
            end = _end_of(text, at)
            mark = SUBSTITUTED if SUBSTITUTION.search(text[at:end]) else VALUE
        elif plain and (found := VARIABLE.match(text, at)):
            mark, end = VALUE, found.end()
        elif not quote and begins and char == "#":
            break
        elif not quote and begins and (found := NUMBER.match(text, at)):
            at = found.end()
            continue
        made.append(mark or char)
        begins = not quote and not mark and (char.isspace() or char in PUNCTUATION)
        at = end
    return "".join(made)


def _end_of(text: str, at: int) -> int:
    """Where the substitution that begins here ends; the end of the text where it does not."""
    if text[at] == "`":
        end = text.find("`", at + 1)
        return len(text) if end < 0 else end + 1
    opened, closed = text[at + 1], ")" if text[at + 1] == "(" else "}"
    depth, quote, here = 0, "", at + 1
    while here < len(text):
        char = text[here]
        if char == "\\":
            here += 2
            continue
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char == opened:
            depth += 1
        elif char == closed:
            depth -= 1
            if depth == 0:
                return here + 1
        here += 1
    return len(text)


def _command(words: list[str], state: _State, piped: bool) -> Iterator[Command | UnquotedCall]:
    rest, paths, folder = list(words), state.paths, state.folder
    while rest:
        word = rest[0]
        assigned = ASSIGNMENT.fullmatch(word)
        if word in KEYWORDS:
            state.sure = False
            del rest[0]
        elif assigned:
            if assigned[1] == "PYTHONPATH":
                paths = (*_split(assigned[2], folder), *paths)
            state.sure = state.sure and SUBSTITUTED not in word
            del rest[0]
        elif word in WRAPPERS and len(rest) > 1:
            folder = _wrapper(word, rest, folder)
        elif word in RUNNERS and _is_runner(rest):
            # The runner itself has to be there, too.
            yield _made(rest[:1], folder, paths, state)
            del rest[0]
            _options(rest, RUNNERS[word][1])
            if rest and rest[0] == RUNNERS[word][0]:
                del rest[0]
                _options(rest, RUNNERS[word][1])
        else:
            break
    if not rest:
        state.paths = paths
        return
    program, *arguments = rest
    if program in ("cd", "pushd"):
        _enter(program, arguments, state, piped)
        yield _made(rest, folder, paths, state)
    elif program == "popd":
        state.folder = state.back[-1] if state.back else None
        state.back = state.back[:-1]
    elif program == "export":
        for word in arguments:
            assigned = ASSIGNMENT.fullmatch(word)
            if assigned and assigned[1] == "PYTHONPATH":
                state.paths = (*_split(assigned[2], state.folder), *state.paths)
    elif program.rsplit("/", 1)[-1] in SHELLS and _inline(arguments) is not None:
        inner = _State(folder, paths, state.sure)
        text = _inline(arguments) or ""
        yield from _read(text.replace(VALUE, "$_").replace(SUBSTITUTED, "$(_)"), inner)
    elif program == "eval":
        state.sure = False
    else:
        yield _made(rest, folder, paths, state)
        if program in ("source", ".", "set", "xargs"):
            # What a sourced file does to the shell is its own.
            state.sure = state.sure and program == "set"
    if any(SUBSTITUTED in word for word in words):
        state.sure = False


def _made(words: list[str], folder: str | None, paths: tuple[str, ...], state: _State) -> Command:
    unsure = None if state.sure else 0
    for at, word in enumerate(words):
        # A variable alone may stand for several options; after an option it is its value.
        alone = word == VALUE and not words[max(0, at - 1)].startswith("-")
        if unsure is None and (alone or SUBSTITUTED in word):
            unsure = at
    return Command(tuple(words), folder, paths, unsure)


def _wrapper(name: str, rest: list[str], folder: str | None) -> str | None:
    del rest[0]
    while rest and rest[0].startswith("-") and len(rest) > 1:
        option, equals, value = rest.pop(0).partition("=")
        if option == "--":
            break
        if name == "env" and option in ("-S", "--split-string"):
            rest[:] = [*shlex.split(value or rest.pop(0)), *rest]
            break
        if not equals and option in WRAPPERS[name] and rest:
            value = rest.pop(0)
        if name == "env" and option in ("-C", "--chdir"):
            folder = joined(folder, value)
    if name == "timeout" and len(rest) > 1:
        del rest[0]
    return folder


def _is_runner(rest: list[str]) -> bool:
    word, valued = RUNNERS[rest[0]]
    after = rest[1:]
    _options(after, valued)
    return bool(after) and (not word or after[0] == word) and len(after) > bool(word)


def _options(rest: list[str], valued: tuple[str, ...]) -> None:
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option == "--":
            return
        if option in valued and rest:
            del rest[0]


def after_options(arguments: Sequence[str]) -> int:
    """Where a shell's options end: at its script, or at the command of `-c`."""
    at = 0
    while at < len(arguments) and arguments[at].startswith(("-", "+")):
        word = arguments[at]
        at += 1
        if word == "--":
            break
        # `-euo pipefail`: the name of what is switched on follows.
        if not word.startswith("--") and word.endswith(("o", "O")):
            at += 1
    return at


def _inline(arguments: list[str]) -> str | None:
    """The command of `sh -c command`, None without one."""
    at = after_options(arguments)
    options = [word for word in arguments[:at] if word.startswith("-")]
    if at < len(arguments) and any(o[:2] != "--" and "c" in o for o in options):
        return arguments[at]
    return None


def _enter(program: str, arguments: list[str], state: _State, piped: bool) -> None:
    if piped:
        return
    named = [word for word in arguments if word in ("-",) or not word.startswith("-")]
    if program == "pushd":
        state.back = (*state.back, state.folder)
    state.folder = joined(state.folder, named[0]) if named else None


def joined(folder: str | None, name: str) -> str | None:
    """A folder seen from another one, relative to the app's; None for one that is not known."""
    if folder is None or not known(name) or name.startswith(("/", "~")) or name in ("-", ""):
        return None
    path = posixpath.normpath(posixpath.join(folder, name))
    return None if path.split("/")[0] == ".." else path


def _split(value: str, folder: str | None) -> tuple[str, ...]:
    """The folders of a PYTHONPATH, those that are known."""
    places = (_at_home(name) for name in value.split(":") if name)
    return tuple(path for name in places if (path := joined(folder, name)))


def _at_home(name: str) -> str:
    """`$PWD/src` and `$HOME/src` may well be below the app's folder: they are looked at there."""
    return re.sub(rf"^({VALUE}|{SUBSTITUTED}|/app|/workspace)/", "", name)
