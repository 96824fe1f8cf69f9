"""What gunicorn is told to serve, read from its command line.

gunicorn's own rule (its `util.import_app`): `module` or `module:name` or `module:name(...)`, the
name `application` where none is given.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from de_tasks.project.syntax import expression

WITHOUT_VALUE = set(
    "-R -D --capture-output --casefold-http-method --check-config --daemon "
    "--disable-redirect-access-to-syslog --do-handshake-on-connect --enable-backlog-metric "
    "--enable-stdio-inheritance --initgroups --log-syslog --no-control-socket --no-sendfile "
    "--no-verify --permit-obsolete-folding --permit-unconventional-http-method "
    "--permit-unconventional-http-version --preload --print-config --proxy-protocol --reload "
    "--reuse-port --spew --strip-header-spaces --suppress-ragged-eofs".split()
)
"""Options of gunicorn that no value follows."""
WITH_VALUE = set(
    "-b -c -e -g -k -m -n -p -t -u -w --access-logfile --access-logformat --asgi-loop "
    "--asgi-disconnect-grace-period --asgi-lifespan --backlog --bind --ca-certs --cert-reqs "
    "--certfile --chdir --ciphers --config --control-socket --control-socket-mode --dirty-app "
    "--dirty-graceful-timeout --dirty-threads --dirty-timeout --dirty-workers --dogstatsd-tags "
    "--env --error-logfile --forwarded-allow-ips --forwarder-headers --graceful-timeout --group "
    "--header-map --http-parser --http-protocols --http2-cleartext --http2-initial-window-size "
    "--http2-max-concurrent-streams --http2-max-frame-size --http2-max-header-list-size "
    "--keep-alive --keyfile --limit-request-field_size --limit-request-fields "
    "--limit-request-line --log-config --log-config-json --log-file --log-level "
    "--log-syslog-facility --log-syslog-prefix --log-syslog-to --logger-class --max-requests "
    "--max-requests-jitter --name --paste --paste-global --paster --pid --protocol "
    "--proxy-allow-from --pythonpath --reload-engine --reload-extra-file --root-path "
    "--ssl-version --statsd-host --statsd-prefix --threads --timeout --umask --user "
    "--uwsgi-allow-from --websocket-max-message-size --worker-class --worker-connections "
    "--worker-tmp-dir --workers --settings --debug --django --access-log --keepalive "
    "--log-syslog --suppress-ragged-eofs".split()
)
"""Options of gunicorn, of any version, that a value may follow."""
SHORT = {"-c": "--config", "-e": "--env", "-k": "--worker-class"}
ALWAYS = {"-h", "--help", "-v", "--version"}
MODULE = re.compile(r"[^\s./\\:][^./\\:]*(\.[^./\\:]+)*")
"""What `importlib` takes: a file's name need not be an identifier."""
EXAMPLE = "gunicorn app:server"


@dataclass
class CommandLine:
    """What the words after `gunicorn` say. `at` is the word that names the app, `chdir` the
    last folder of `--chdir`, `config` and `paste` are files, `worker` is the class of its workers,
    `unknown` are no options."""

    target: str | None = None
    at: int = 0
    chdir: str = ""
    paths: list[str] = field(default_factory=list)
    config: str = ""
    paste: str = ""
    worker: str = ""
    unknown: list[str] = field(default_factory=list)


def read(words: Sequence[str]) -> CommandLine:
    """Read the words after `gunicorn`, as its own parser does."""
    found = CommandLine()
    at, only_words = 0, False
    while at < len(words):
        word = words[at]
        at += 1
        if only_words or word == "-" or not word.startswith("-"):
            if found.target is None:
                found.target, found.at = word, at - 1
            continue
        if word == "--":
            only_words = True
            continue
        option, value, given = _option(word, found)
        if not given and option in WITH_VALUE - WITHOUT_VALUE and at < len(words):
            value = words[at]
            at += 1
        if option == "--chdir":
            found.chdir = value
        elif option == "--pythonpath":
            found.paths += value.split(",")
        elif option == "--config":
            found.config = value
        elif option == "--worker-class":
            found.worker = value
        elif option in ("--paste", "--paster"):
            found.paste = value.partition("#")[0]
        elif option == "--env" and value.startswith("PYTHONPATH="):
            found.paths += value.partition("=")[2].split(":")
    return found


def _option(word: str, found: CommandLine) -> tuple[str, str, bool]:
    """The option of a word in full, its value, and whether it has one in the same word."""
    if not word.startswith("--"):
        option, value = word[:2], word[2:]
        if option not in WITH_VALUE | WITHOUT_VALUE | ALWAYS:
            found.unknown.append(option)
        return SHORT.get(option, option), value.removeprefix("="), bool(value)
    option, equals, value = word.partition("=")
    known = WITH_VALUE | WITHOUT_VALUE | ALWAYS
    if option not in known:
        # argparse takes any beginning that means one option only.
        meant = sorted(name for name in known if name.startswith(option))
        if not meant:
            found.unknown.append(option)
        option = meant[0] if meant else option
    return option, value, bool(equals)


def name_in(text: str) -> str | None:
    """The name in `name` or `name(...)`, None for anything else."""
    tree = expression(text)
    tree = tree.func if isinstance(tree, ast.Call) else tree
    return tree.id if isinstance(tree, ast.Name) else None
