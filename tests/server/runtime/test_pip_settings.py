"""uv installs from the indexes that pip would install from."""

from __future__ import annotations

import pytest

from de_tasks.server.runtime.pip_settings import of_app, uv_environment

NOWHERE = {"PIP_CONFIG_FILE": "/dev/null"}


def test_best_version_of_all_indexes_unless_uv_was_told_otherwise() -> None:
    assert uv_environment(NOWHERE)["UV_INDEX_STRATEGY"] == "unsafe-best-match"
    told = {**NOWHERE, "UV_INDEX_STRATEGY": "first-index"}
    assert uv_environment(told)["UV_INDEX_STRATEGY"] == "first-index"


def test_variables_of_an_app_name_indexes_as_for_pip() -> None:
    variables = {"PIP_EXTRA_INDEX_URL": "https://a/ https://b/", "UV_CACHE_DIR": "/x", "OTHER": "y"}
    assert of_app(variables) == {"UV_INDEX": "https://a/ https://b/"}


@pytest.mark.parametrize(
    ("option", "value", "name", "seen"),
    [
        ("CLIENT_CERT", "/me.pem", "SSL_CLIENT_CERT", "/me.pem"),
        ("TRUSTED_HOST", "a:80\nb", "UV_INSECURE_HOST", "a:80 b"),
        ("PROXY", "http://proxy:3128", "ALL_PROXY", "http://proxy:3128"),
        ("TIMEOUT", "90", "UV_HTTP_TIMEOUT", "90"),
        # uv takes whole seconds alone, and says itself what is none.
        ("TIMEOUT", "1.5", "UV_HTTP_TIMEOUT", "2"),
        ("TIMEOUT", "soon", "UV_HTTP_TIMEOUT", "soon"),
        ("TIMEOUT", "inf", "UV_HTTP_TIMEOUT", "inf"),
    ],
)
def test_way_to_an_index_is_the_one_of_pip(option: str, value: str, name: str, seen: str) -> None:
    assert uv_environment({**NOWHERE, f"PIP_{option}": value})[name] == seen
    assert of_app({f"PIP_{option}": value}) == {name: seen}


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY"])
def test_proxy_of_the_machine_is_passed_on_as_it_is_spelled(name: str) -> None:
    found = uv_environment({**NOWHERE, name: "http://proxy:3128"})
    assert {key for key in found if key.lower() == "https_proxy"} == {name}
    assert found[name] == "http://proxy:3128"
