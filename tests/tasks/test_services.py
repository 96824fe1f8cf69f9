"""Databases of apps, from attaching one to its end, as the app and its owner see them."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import pytest
import requests

from de_tasks.server import control
from tests.support.people import People, Person, log_in
from tests.support.processes import kill
from tests.support.waiting import BOUND, until

COUNTER = """
import json, os, urllib.parse
import pg8000.native, redis

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    in_redis = redis.from_url(os.environ["REDIS_URL"]).incr("visits")
    url = urllib.parse.urlsplit(os.environ["DATABASE_URL"])
    base = pg8000.native.Connection(
        url.username, password=url.password, host=url.hostname, port=url.port,
        database=url.path.strip("/"))
    base.run("CREATE TABLE IF NOT EXISTS visits (number int)")
    base.run("INSERT INTO visits VALUES (1)")
    (in_postgres,) = base.run("SELECT count(*) FROM visits")[0]
    base.close()
    return [json.dumps([in_redis, in_postgres, url.password]).encode()]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An app that counts its visits in both databases."""
    made = tmp_path / "counter"
    made.mkdir()
    (made / "wsgi.py").write_text(COUNTER)
    (made / "Procfile").write_text("web: gunicorn wsgi:application --preload\n")
    (made / "requirements.txt").write_text("gunicorn\nredis\npg8000\n")
    return made


def visited(person: Person, app: str) -> tuple[int, int]:
    """Visit the app; how often it has been visited, as both databases know it."""
    address = person.run(f"open -n {app}").out.strip()

    def answer_of_the_app() -> tuple[requests.Response, ...]:
        answer = requests.get(address, timeout=BOUND)
        # After a restart of the sandbox, the app needs a moment to start.
        starting = answer.status_code == 503 and answer.headers["Retry-After"] == "1"
        return () if starting else (answer,)

    (answer,) = until(answer_of_the_app, "the app is there")
    assert answer.status_code == 200, person.run(f"apps logs -n {app}").out
    in_redis, in_postgres, _ = answer.json()
    return in_redis, in_postgres


def test_visits_are_counted_across_deploys_and_restarts(
    folder: Path, tmp_path: Path, port: int
) -> None:
    options: dict[str, int | str] = {
        "port": port,
        "view_access": "unauthenticated",
    }
    running = control.start(tmp_path / "data", options)
    try:
        person = log_in(running, "dev", tmp_path / "home")
        assert person.run("apps create -n counter").code == 0
        for kind in ("redis", "postgres"):
            assert person.run(f"services create --app-name counter -t {kind}").code == 0
        assert person.run(f"deploy {folder} -n counter -y").code == 0
        first, _ = visited(person, "counter")
        assert visited(person, "counter") == (first + 1, first + 1)
        (folder / "note").write_text("changed")
        assert person.run(f"deploy {folder} -n counter -y").code == 0
        before = visited(person, "counter")
        assert before[0] > first + 1
        for number, end in enumerate((control.stop, kill), start=1):
            end(running)
            running = control.start(tmp_path / "data", options)
            assert visited(person, "counter") == (before[0] + number, before[1] + number)
    finally:
        if control.find(running.data):
            control.stop(running)


@pytest.fixture
def app() -> str:
    """The name of an app that nobody has."""
    return f"svc-{secrets.token_hex(4)}"


@pytest.fixture
def owner(people: People) -> Person:
    """Somebody who has apps."""
    return people["dev"]


def json_of(person: Person, line: str) -> object:
    """What a command answers with --json."""
    return json.loads(person.run(f"{line} --json").out)


def test_answers_for_scripts(owner: Person, app: str) -> None:
    owner.run(f"apps create -n {app}")
    for line, out in {"-t redis": "False\n", "-t redis --exit-code": "False\n"}.items():
        done = owner.run(f"services exists -n {app} {line}")
        assert (done.code, done.out, done.err) == (int("--exit" in line), out, "")
    answer = json_of(owner, f"services exists -n {app} -t redis")
    assert answer == {"name": app, "type": "redis", "exists": False}
    done = owner.run(f"services exists -n {app}-other -t redis")
    assert done.code == 5 and f"App [{app}-other] does not exist" in done.err
    done = owner.run(f"apps exists -n {app}-other --exit-code")
    assert (done.code, done.err) == (1, "")
    assert done.out == f"App [{app}-other] does not exist on [{owner.host}].\n"


def test_second_of_a_type_is_refused(owner: Person, app: str) -> None:
    owner.run(f"apps create -n {app}")
    create = f"services create --app-name {app} -t redis"
    named = owner.run(f"{create} --service-name {app}-cache")
    assert named.out == f"Service {app}-cache was attached to app {app} on [{owner.host}].\n"
    again = owner.run(create)
    assert again.code == 1 and f"{app} has a redis service already: {app}-cache" in again.err
    owner.run(f"apps delete -n {app} --with-services -y")


def test_deleting_asks_on_a_terminal(owner: Person, app: str) -> None:
    owner.run(f"apps create -n {app}")
    line = f"services delete --app-name {app}"
    none = owner.run(line, terminal=True)
    create = f"de-tasks services create --type postgres --app-name {app}"
    assert (none.code, none.err) == (5, f"App {app} has no database. Attach one: {create}\n")
    owner.run(f"services create --app-name {app} -t redis")
    no = owner.run(line, stdin="n\n", terminal=True)
    assert (no.code, no.out) == (1, "") and "with all its data? [y/N]" in no.err
    assert owner.run(f"services exists -n {app} -t redis").out == "True\n"
    done = owner.run(line, stdin="y\n", terminal=True)
    words = f"Service {app}-redis was deleted from [{owner.host}] with its data.\n"
    assert (done.code, done.out) == (0, words)
    owner.run(f"apps delete -n {app}")


def test_app_is_deleted_when_its_name_is_typed(owner: Person, app: str) -> None:
    owner.run(f"apps create -n {app}")
    owner.run(f"services create --app-name {app} -t redis")
    for typed in ("y\n", app[:-1] + "\n", "\n", ""):
        done = owner.run(f"apps delete -n {app}", stdin=typed, terminal=True)
        assert (done.code, done.out) == (1, "")
        assert "Type its name to confirm:" in done.err and "Nothing was deleted." in done.err
    done = owner.run(f"apps delete -n {app}", stdin=app + "\n", terminal=True)
    assert done.out == f"App {app} was deleted from [{owner.host}].\n"
    assert f"Its services are kept, with their data: {app}-redis (redis)" in done.err
    owner.run(f"apps create -n {app}")
    # The one that was kept is taken up again.
    owner.run(f"services create --app-name {app} -t redis")
    done = owner.run(f"apps delete -n {app} --with-services -y")
    assert f"Its services were deleted with their data: {app}-redis (redis)" in done.out
    assert app not in owner.run("services list -t all").out


def test_memory_of_a_database_is_limited_and_listed(owner: Person, app: str) -> None:
    owner.run(f"apps create -n {app}")
    owner.run(f"services create --app-name {app} -t redis")
    update = f"services update --app-name {app} -t redis --memory"
    assert '"memory": "64Mi"' in owner.run(f"{update} 64Mi --json").out
    found = json.loads(owner.run("services list -t redis --json").out)
    assert [one["memory"] for one in found if one["apps"] == [app]] == ["64Mi"]
    assert "no memory limit now" in owner.run(f"{update} none").out


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ("-t redis --memory 10", 2, "'10' is not a memory limit"),
        ("-t redis --memory 1Mi", 2, "at least 16Mi"),
        ("-t redis", 2, "--memory 512Mi"),
        ("-t postgres --memory 64Mi", 5, "has no postgres service"),
    ],
)
def test_limit_that_is_none_is_named(
    owner: Person, app: str, options: str, code: int, words: str
) -> None:
    owner.run(f"apps create -n {app}")
    owner.run(f"services create --app-name {app} -t redis")
    done = owner.run(f"services update --app-name {app} {options}")
    assert done.code == code and words in done.err


def test_postgres_says_that_it_has_no_limit(owner: Person, app: str) -> None:
    owner.run(f"apps create -n {app}")
    owner.run(f"services create --app-name {app} -t postgres")
    done = owner.run(f"services update --app-name {app} -t postgres --memory 64Mi")
    assert done.code == 1 and "share one server" in done.err
