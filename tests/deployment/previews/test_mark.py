"""Names and marks of previews, and which have outlived use: without a platform."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timezone

import pytest

from de_tasks.deployment.previews import mark
from de_tasks.errors import DeTasksError
from tests.support.marks import CREATED, marked

BRANCHES = [
    "main",
    "feature/login",
    "feature-login",
    "Feature/Login",
    "日本",
    "-",
    "x" * 250,
    "a,b:c",
]


@pytest.mark.parametrize("branch", BRANCHES)
@pytest.mark.parametrize("app", ["a", "energy", "x" * 30, "a-b-" * 7])
def test_name_is_legal_and_says_what_it_is(app: str, branch: str) -> None:
    name = mark.preview_name(app, branch)
    assert re.fullmatch(r"[a-z][a-z0-9]*(-+[a-z0-9]+)+", name) and len(name) <= 30
    assert name.startswith(app[:10].rstrip("-"))


def test_names_differ_for_all_branches_and_apps() -> None:
    pairs = [
        (app, f"{way}{n}")
        for app in ("a", "a-b")
        for way in ("f/", "f-", "b-f/", "F_")
        for n in range(2500)
    ]
    assert len({mark.preview_name(*pair) for pair in pairs}) == len(pairs)


def test_name_stays_the_same_forever() -> None:
    assert mark.preview_name("energy", "feature/login") == "energy-feature-login-w2r5nfv"


@pytest.mark.parametrize("branch", BRANCHES)
def test_mark_is_read_as_it_was_written(branch: str) -> None:
    preview = mark.read_mark(marked(branch=branch))
    assert (preview.app, preview.branch, preview.by_hand) == ("energy", branch, False)
    assert preview.created == datetime(2025, 3, 1, 10, 20, 30, 123456, timezone.utc)


TAG = mark.mark("energy", "feature/x", CREATED)
FORGED = {
    "no mark": (marked(), {"tags": ("team", "de-preview")}, "not as we write it"),
    "no tags": (marked(), {"tags": ()}, "does not bear"),
    "mark copied to another app": (marked(), {"name": "energy"}, "that of energy-feature-x-"),
    "mark of another preview": (marked(branch="y"), {"tags": (TAG,)}, "that of energy-feature-x-"),
    "two marks": (marked(), {"tags": (TAG, TAG)}, "not as we write it"),
    "made anew under the name": (marked(), {"created": CREATED[:-1] + "7"}, "older or younger"),
    "no time in the mark": (marked(), {"tags": (TAG.replace("2025", ""),)}, "older or younger"),
    "no time at all": (
        marked(),
        {"tags": (mark.mark("energy", "feature/x", ""),), "created": ""},
        "older or younger",
    ),
    "more in the mark": (marked(), {"tags": (f"{TAG}:x",)}, "not as we write it"),
}


@pytest.mark.parametrize("case", FORGED)
def test_mark_that_proves_nothing(case: str) -> None:
    app, changed, words = FORGED[case]
    with pytest.raises(DeTasksError, match=words):
        mark.read_mark(replace(app, **changed))  # type: ignore[arg-type]
