"""Creating an app on a page, and what its page says then."""

from __future__ import annotations

import html
import re
import secrets
import shlex
from pathlib import Path

import pytest
import requests

from de_tasks.server import control
from tests.support.apps import SERVER, app_folder
from tests.support.backstage import backstage
from tests.support.browser import Browser
from tests.support.people import People, Person
from tests.support.places import ROOT
from tests.support.repositories import Repository

PAGE = "/apps/-/new"


def test_created_app_says_how_to_deploy_to_it(sandbox: control.Running, dev: Person) -> None:
    browser, name = Browser(sandbox).be(dev.name), f"new-{secrets.token_hex(4)}"
    assert f'href="{sandbox.url}{PAGE}"' in browser.get("/apps").text
    made = browser.submit(browser.get(PAGE), name=f" {name} ")
    assert made.url == f"{sandbox.url}/apps/{name}" and f"{name} was created." in made.text
    assert dev.run(f"apps exists -n {name} --exit-code").code == 0
    for line in (f"git remote add dash {sandbox.url}/GIT/{name}", f"inv deploy --name {name}"):
        assert line in made.text
    assert (ROOT / "templates" / "project" / "tasks.py").read_text().strip() in made.text


def test_lines_for_git_alone_work_over_tls(tls: control.Running, tmp_path: Path) -> None:
    dev, name = People(tls, tmp_path)["dev"], f"new-{secrets.token_hex(4)}"
    session = requests.Session()
    session.verify, session.trust_env = tls.ca_path, False
    browser = Browser(tls, session).be(dev.name)
    made = browser.submit(browser.get(PAGE), name=name)
    (lines,) = re.findall(r'aria-label="The push">(.*?)</pre>', made.text, re.DOTALL)
    variables = {"KEY": backstage(tls).key(dev.name)}
    repository = Repository.make(app_folder(tmp_path, "alone", Procfile=SERVER), variables)
    login = f"credential.helper=!f() {{ echo username={dev.name}; echo password=$KEY; }}; f"
    for line in html.unescape(lines).splitlines():
        done = repository.run("-c", login, *shlex.split(line)[1:])
        assert done.returncode == 0, done.stderr
    assert "-----> Starting web" in done.stderr


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("My Sales", "&#39;My Sales&#39; is not a legal app name. App names start with"),
        ("My Sales", "Try my-sales"),
        ("ab", "&#39;ab&#39; is not a legal app name: one has 3 to 30 characters. Try ab-app"),
        ("a" * 31, f"Try {'a' * 30}<"),
        ("account", "account was not created. &#39;account&#39; is an address of the platform"),
        ("", "Type a name for the app"),
        ("<script>", "Try script"),
    ],
)
def test_refused_name_is_named_with_a_remedy(
    name: str, words: str, sandbox: control.Running, dev: Person
) -> None:
    browser = Browser(sandbox).be(dev.name)
    refused = browser.submit(browser.get(PAGE), name=name)
    assert refused.status_code == 400 and words in refused.text and "<script>" not in refused.text


def test_name_that_is_taken_stays_typed(sandbox: control.Running, dev: Person) -> None:
    browser, name = Browser(sandbox).be(dev.name), f"taken-{secrets.token_hex(4)}"
    assert dev.run(f"apps create -n {name}").code == 0
    refused = browser.submit(browser.get(PAGE), name=name)
    assert refused.status_code == 400 and f'value="{name}"' in refused.text
    assert f"{name} was not created. An app with this name already exists" in refused.text


def test_app_is_created_by_who_has_a_seat(sandbox: control.Running) -> None:
    browser = Browser(sandbox).be(backstage(sandbox).add("viewer"))
    page = browser.get(PAGE)
    assert page.status_code == 403 and "no license seat" in page.text
    assert "/auth/realms/dash/sign-in" in Browser(sandbox).get(PAGE).url
