"""CI systems: what they read of a workflow, and the runners that do its jobs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from invoke.util import yaml as invokes_yaml

from tests.support.backstage import PASSWORD
from tests.support.people import PROGRAMS, Person
from tests.support.repositories import BOUND

yaml: Any = invokes_yaml
SCHEMAS = {"github": "vendor.github-workflows", "gitlab": "vendor.gitlab-ci"}


def check(ci: str, path: Path) -> None:
    """Hold a workflow to the schema of its CI system."""
    command = ["-m", "check_jsonschema", "--builtin-schema", SCHEMAS[ci], str(path)]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def holds(condition: str, values: dict[str, object]) -> bool:
    """Whether a condition of GitHub's or GitLab's, which here are of one form, is true."""
    text = re.sub(r"[$]?[A-Za-z_][\w.]*(?=[\s)]|$)", lambda m: repr(values[m[0]]), condition)
    return bool(eval(text.replace("&&", " and "), {"__builtins__": {}}))


def pipeline(source: str, project: int = 1, branch: str | None = None) -> dict[str, object]:
    """GitLab's variables of a pipeline."""
    return {
        "$CI_PIPELINE_SOURCE": source,
        "$CI_COMMIT_BRANCH": branch,
        "$CI_DEFAULT_BRANCH": "main",
        "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID": project,
        "$CI_MERGE_REQUEST_PROJECT_ID": 1,
    }


@dataclass
class Runner:
    """A runner of a CI system: a home of its own, and the login in its variables."""

    home: Path
    variables: dict[str, str]

    def run(self, script: str, folder: Path, variables: dict[str, str]) -> str:
        """Run a script as GitHub does by default; returns what it printed."""
        done = subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=folder,
            env={**self.variables, "HOME": str(self.home), **variables},
            capture_output=True,
            text=True,
            timeout=BOUND,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @classmethod
    def of(cls, person: Person, home: Path) -> Runner:
        """A runner that acts as somebody."""
        home.mkdir()
        variables = {
            "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
            "CI": "true",
            "DASH_ENTERPRISE_HOST": person.host,
            "DASH_ENTERPRISE_USERNAME": person.name,
            "DASH_ENTERPRISE_PASSWORD": PASSWORD,
            "DASH_ENTERPRISE_API_KEY": "",  # As a secret that is not set comes.
            "INVOKE_DE_NO_KEYFILE": "true",
            "GITHUB_OUTPUT": str(home / "output"),
        }
        return cls(home, variables)
