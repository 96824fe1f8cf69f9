"""Job matrices: the apps of a fleet, spread over the runners of a CI system."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

MOST = {"github": 256, "gitlab": 200}
"""Jobs that a matrix may have: where there are more apps, a job gets several."""
TEMPLATE_JOB = ".fleet-app"
"""The job of the GitLab template that each job of the matrix extends."""


def github(groups: Sequence[str]) -> str:
    """The value of `strategy.matrix`, on one line for `$GITHUB_OUTPUT`."""
    return json.dumps({"include": [{"app": group} for group in groups]})


def gitlab(groups: Sequence[str]) -> str:
    """The end of a child pipeline's configuration, which stands behind that of its jobs."""
    if not groups:
        # A pipeline without a job is an error.
        return "deploy:\n  stage: deploy\n  script: [echo Nothing has changed.]"
    names = json.dumps(list(groups))  # Which YAML reads too (YAML 1.2, section 1.3).
    matrix = f"parallel:\n    matrix:\n      - APP: {names}"
    return f"deploy:\n  extends: {TEMPLATE_JOB}\n  {matrix}"


FORMATS: Mapping[str, Callable[[Sequence[str]], str]] = {"github": github, "gitlab": gitlab}


def matrix(names: Sequence[str], form: str) -> str:
    """The matrix of the apps in one of the `FORMATS`; its jobs name apps as `--only` takes them."""
    unique = list(dict.fromkeys(names))
    size = -(-len(unique) // MOST[form]) or 1
    groups = [",".join(unique[i : i + size]) for i in range(0, len(unique), size)]
    return FORMATS[form](groups)
