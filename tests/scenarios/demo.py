"""The demo: the main job on a real sandbox, told step by step. `make demo` runs it.

With KEEP=1 the sandbox goes on running. Everything it writes lies in `.demo/`.
"""

from __future__ import annotations

import hashlib
import html
import http.cookiejar
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

from tests.support.places import ROOT

FOLDER = Path(os.environ.get("DEMO_FOLDER", ROOT / ".demo"))
APP = FOLDER / "energy"
INV = str(Path(sys.executable).with_name("inv"))
BROWSER = urllib.request.build_opener(
    urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
)
EDIT = re.compile(r'^TITLE = ".*"$', re.MULTILINE)


def environment() -> dict[str, str]:
    """The demo's own home: it never touches the login of the person who runs it."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DASH_ENTERPRISE", "GIT_"))}
    return {
        **kept,
        "INVOKE_DE_KEYFILE": str(FOLDER / "login.json"),
        "INVOKE_DE_CACHE": str(FOLDER / "cache"),
        "INVOKE_DE_SANDBOX_DATA": str(FOLDER / "sandbox"),
    }


def say(text: str) -> None:
    """A headline."""
    print(f"\n== {text}", flush=True)


def inv(*arguments: str, show: bool = True) -> str:
    """Run `inv` in the app's folder as a person would; returns its stdout."""
    if show:
        print(f"$ inv {' '.join(arguments)}", flush=True)
    child = subprocess.Popen(
        [INV, *arguments], cwd=APP, env=environment(), stdout=subprocess.PIPE, text=True
    )
    try:
        out, _ = child.communicate()
    except KeyboardInterrupt:
        # The command was interrupted too, and cleans up behind itself: let it.
        child.wait(60)
        raise
    if show:
        print(out, end="", flush=True)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, ["inv", *arguments])
    return out


def fetch(url: str, body: object = None) -> str:
    """Ask an address; with a body as a POST of JSON."""
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with BROWSER.open(request, timeout=30) as answer:
        return str(answer.read().decode())


def sign_in(url: str) -> str:
    """Open the app as nobody, fill in the form that comes, and be sent back to the app."""
    with BROWSER.open(url, timeout=30) as answer:
        page, form = answer.geturl(), answer.read().decode()
    hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
    fields = {name: html.unescape(value) for name, value in hidden}
    password = json.loads((FOLDER / "sandbox" / "passwords.json").read_text())["dev"]
    data = urllib.parse.urlencode({**fields, "username": "dev", "password": password}).encode()
    with BROWSER.open(page.partition("?")[0], data, timeout=30) as answer:
        print(f"GET {url} as nobody: {page.partition('?')[0]}; as dev: {answer.geturl()}")
        return str(answer.geturl())


def title_of(url: str) -> str:
    """The title of the page that is served."""
    return fetch(url).partition("<title>")[2].partition("</title>")[0]


def edit(title: str) -> None:
    """The one-line edit."""
    file = APP / "app.py"
    file.write_text(EDIT.sub(f'TITLE = "{title}"', file.read_text(encoding="utf-8"), count=1))


def callback(url: str) -> str:
    """Ask the app what the first callback gives that a browser calls when it opens the page."""
    dependencies = json.loads(fetch(f"{url}_dash-dependencies"))
    dependency = next(one for one in dependencies if not one["prevent_initial_call"])
    layout = fetch(f"{url}_dash-layout")

    def described(field: dict[str, str]) -> dict[str, object]:
        marker = layout.find(f'"id": "{field["id"]}"')
        marker = marker if marker >= 0 else layout.find(f'"id":"{field["id"]}"')
        start = layout.rfind('"props"', 0, marker)
        props, _ = json.JSONDecoder().raw_decode(layout[layout.index("{", start) :])
        return {**field, "value": props.get(field["property"])}

    output = dependency["output"]
    names = output.strip(".").split("...")
    outputs = [dict(zip(("id", "property"), n.rsplit(".", 1), strict=True)) for n in names]
    body = {
        "output": output,
        "outputs": outputs if output.startswith("..") else outputs[0],
        "inputs": [described(field) for field in dependency["inputs"]],
        "state": [described(field) for field in dependency["state"]],
        "changedPropIds": [f"{f['id']}.{f['property']}" for f in dependency["inputs"]],
    }
    return fetch(f"{url}_dash-update-component", body)


def main() -> None:
    """Do the main job and show it."""
    say("A Dash app, as you would write it")
    FOLDER.mkdir(exist_ok=True)
    shutil.copytree(ROOT / "templates" / "dash", APP, dirs_exist_ok=True)
    print(f"{APP}: {', '.join(sorted(p.name for p in APP.iterdir()))}")
    edit("Energy use")

    say("A Dash Enterprise on this machine, with its user dev logged in")
    inv("sandbox.start", "--port", "0")
    inv("whoami")

    say("Deploy the app (-y: yes, create it)")
    inv("deploy", "-y")
    url = json.loads(inv("status", "--json", show=False))["url"]

    say("How is it doing?")
    inv("status")
    inv("logs", "--count", "3")

    say("Is it the app that answers?")
    assert sign_in(url) == url
    print(f"GET {url}: the page's title is {title_of(url)!r}")
    answer = callback(url)
    digest = hashlib.sha256(answer.encode()).hexdigest()[:12]
    print(f"POST {url}_dash-update-component: a callback answered {len(answer)} bytes ({digest})")
    assert '"response"' in answer and title_of(url) == "Energy use"

    say("Change one line, and deploy again")
    edit("Energy use, edited")
    inv("deploy")
    print(f"GET {url}: the page's title is {title_of(url)!r}")
    assert title_of(url) == "Energy use, edited"
    if os.environ.get("KEEP"):
        names = ("INVOKE_DE_KEYFILE", "INVOKE_DE_CACHE", "INVOKE_DE_SANDBOX_DATA")
        settings = " ".join(f"{name}={environment()[name]}" for name in names)
        say("Kept running")
        print(f"Open:   {url}   (sign in as dev; passwords: {FOLDER / 'sandbox/passwords.json'})")
        print(f"Watch:  cd {APP} && {settings} {INV} logs --follow")
        print(f"Stop:   cd {APP} && {settings} {INV} sandbox.stop")


def run() -> int:
    """The demo between a start and a stop, however it ends."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    code = 0
    try:
        main()
    except KeyboardInterrupt:
        print("\nInterrupted.")
        code = 130
    except (subprocess.CalledProcessError, AssertionError) as error:
        print(f"\nThe demo failed: {error}")
        code = 1
    if code or not os.environ.get("KEEP"):
        # From here on a second Ctrl-C must not leave the sandbox behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if APP.is_dir():
            say("Stop everything")
            inv("sandbox.stop")
    return code


if __name__ == "__main__":
    sys.exit(run())
