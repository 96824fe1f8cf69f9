"""Job matrices: the apps of a fleet, spread over the runners of a CI system."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from de_tasks.net.shards import Shard

MOST = {"github": 256, "gitlab": 200}
"""Jobs that a matrix may have: where there are more apps, a job gets several."""
TEMPLATE_JOB = ".fleet-app"
"""The job of the GitLab template that each job of the matrix extends."""
AT_ONCE = 10
"""Jobs that run at once, as the workflows have it: each knows which of so many it is."""
Jobs = Sequence[tuple[str, str]]
"""Of each job the apps, as `--only` takes them, and the shard, as `--shard` does."""


def github(jobs: Jobs) -> str:
    """The value of `strategy.matrix`, on one line for `$GITHUB_OUTPUT`."""
    return json.dumps({"include": [{"app": apps, "shard": shard} for apps, shard in jobs]})


def gitlab(jobs: Jobs) -> str:
    """The end of a child pipeline's configuration, which stands behind that of its jobs."""
    if not jobs:
        # A pipeline without a job is an error.
        return "deploy:\n  stage: deploy\n  script: [echo Nothing has changed.]"
    # JSON is YAML too (YAML 1.2, section 1.3).
    entries = json.dumps([{"APP": apps, "SHARD": shard} for apps, shard in jobs])
    return f"deploy:\n  extends: {TEMPLATE_JOB}\n  parallel:\n    matrix: {entries}"


FORMATS: Mapping[str, Callable[[Jobs], str]] = {"github": github, "gitlab": gitlab}


def matrix(names: Sequence[str], form: str, at_once: int = AT_ONCE) -> str:
    """The matrix of the apps in one of the `FORMATS`, of which so many jobs run `at_once`."""
    unique = list(dict.fromkeys(names))
    size = -(-len(unique) // MOST[form]) or 1
    groups = [",".join(unique[i : i + size]) for i in range(0, len(unique), size)]
    count = min(at_once, len(groups))
    return FORMATS[form]([(g, str(Shard(i % count + 1, count))) for i, g in enumerate(groups)])
