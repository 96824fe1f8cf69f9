"""Every template is deployed, and does what it shows."""

from __future__ import annotations

import json
import secrets
import urllib.request
from pathlib import Path

from de_tasks.project.scaffold import plan
from tests.scenarios.demo import callback
from tests.support.people import Person
from tests.support.visits import fetch
from tests.support.waiting import until


def deployed(dev: Person, template: str) -> str:
    """Write a template, deploy it; returns its address."""
    name = f"t-{template}-{secrets.token_hex(2)}"
    made = dev.inv("create", "--template", template, "--name", name)
    assert made.code == 0, made.err
    done = dev.inv("deploy", folder=dev.home / name)
    assert done.code == 0, done.err
    return str(json.loads(dev.inv("status", "--json", folder=dev.home / name).out)["url"])


def post(url: str, body: object) -> dict[str, object]:
    """The answer to JSON that is sent as JSON, as a browser does for a callback."""
    data = json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        found: dict[str, object] = json.load(answer)
        return found


def asked(output: str, pressed: str, **state: object) -> dict[str, object]:
    """What the browser sends when a button is pressed."""
    names = [dict(zip(("id", "property"), n.split("."), strict=True)) for n in output.split(" ")]
    return {
        "output": f"..{'...'.join(output.split(' '))}..",
        "outputs": names,
        "inputs": [{"id": pressed, "property": "n_clicks", "value": 1}],
        "state": [{"id": name, "property": "value", "value": v} for name, v in state.items()],
        "changedPropIds": [f"{pressed}.n_clicks"],
    }


def test_every_template_has_its_test() -> None:
    tests = {name.removeprefix("test_template_") for name in globals()}
    assert {name.replace("-", "_") for name in plan.app_templates()} <= tests


def test_template_dash(dev: Person) -> None:
    assert "Harbour office" in callback(deployed(dev, "dash"))


def test_template_wsgi(dev: Person) -> None:
    url = deployed(dev, "wsgi")
    page = fetch(url)[1]
    assert f'href="/{url.split("/")[-2]}/api/sites"' in page
    assert fetch(url + "static/style.css")[0] == 200
    assert json.loads(fetch(url + "api/sites")[1])[0]["name"] == "Harbour office"


def test_template_streamlit(dev: Person) -> None:
    url = deployed(dev, "streamlit")
    assert "<title>Streamlit</title>" in fetch(url)[1]
    assert fetch(url + "_stcore/health") == (200, "ok")


def test_template_dash_postgres(dev: Person) -> None:
    url = deployed(dev, "dash-postgres") + "_dash-update-component"
    hostile = "North depot'); DROP TABLE readings; --"
    for site, kwh in (("North depot", 12.5), (hostile, 1), ("Old Foundry", 7)):
        shown = json.dumps(
            post(url, asked("readings.children kwh.value", "add", site=site, kwh=kwh))
        )
    assert "12.5" in shown and "7.0" in shown and "DROP" not in shown


def test_template_dash_redis(dev: Person) -> None:
    url = deployed(dev, "dash-redis") + "_dash-update-component"
    # A run that takes the worker longer than several looks.
    body = asked("result.children result.className", "start", runs="100000")
    begun = post(url, body)
    query = f"?cacheKey={begun['cacheKey']}&job={begun['job']}"
    progress: set[object] = set()

    def look() -> dict[str, object]:
        answer = post(url + query, body)
        progress.update(answer.get("progress", {}).values())  # type: ignore[attr-defined]
        return answer if "response" in answer else {}

    assert "An even chance" in json.dumps(until(look, "the forecast")) and len(progress) > 1


def test_database_that_is_missing_is_named(dev: Person, tmp_path: Path) -> None:
    folder = tmp_path / f"without-postgres-{secrets.token_hex(2)}"
    options = ("-y", "--template", "dash-postgres", "--path", str(folder))
    assert dev.inv("init", *options).code == 0
    failed = dev.inv("deploy", "-y", folder=folder)
    assert failed.code == 3
    assert "inv services.create --type postgres" in failed.err
