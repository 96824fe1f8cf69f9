"""uv installs from the indexes that pip would install from."""

from __future__ import annotations

from de_tasks.server.runtime.pip_settings import of_app, uv_environment

NOWHERE = {"PIP_CONFIG_FILE": "/dev/null"}


def test_best_version_of_all_indexes_unless_uv_was_told_otherwise() -> None:
    assert uv_environment(NOWHERE)["UV_INDEX_STRATEGY"] == "unsafe-best-match"
    told = {**NOWHERE, "UV_INDEX_STRATEGY": "first-index"}
    assert uv_environment(told)["UV_INDEX_STRATEGY"] == "first-index"


def test_variables_of_an_app_name_indexes_as_for_pip() -> None:
    variables = {"PIP_EXTRA_INDEX_URL": "https://a/ https://b/", "UV_CACHE_DIR": "/x", "OTHER": "y"}
    assert of_app(variables) == {"UV_INDEX": "https://a/ https://b/"}
