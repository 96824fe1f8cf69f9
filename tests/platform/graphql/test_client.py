"""Answers that are none, and what the client makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from de_tasks.auth.caller import Account
from de_tasks.auth.credentials import ApiKey, Credentials
from de_tasks.config.host import Host
from de_tasks.errors import DeTasksError, NotLoggedIn, Temporary
from de_tasks.net.budget import Budget
from de_tasks.net.http import RateLimited, Transport, Unavailable
from de_tasks.net.retry import Policy
from de_tasks.platform.graphql import version_4
from de_tasks.platform.graphql.client import Client
from de_tasks.platform.graphql.operations import GraphQLPlatform
from tests.support.canned import Canned, serving
from tests.support.faultproxy import FaultProxy


@pytest.fixture
def canned() -> Iterator[Canned]:
    """A server whose API answers what the test writes down."""
    with serving(()) as server:
        yield server


class Endless:
    """Credentials that are renewed each time that they are refused."""

    username = "dev"
    renewed = 0

    def header(self) -> str:
        return f"Bearer {self.renewed}"

    def renew(self) -> None:
        self.renewed += 1


def client_of(url: str, folder: Path, credentials: Credentials | None = None) -> Client:
    """The client of a server, which knows no rate limit yet and tries three times."""
    key = credentials or ApiKey("here", "dev", "key")
    policy = Policy(deadline=30, attempts=3, sleep=lambda seconds: None)
    account = Account(key, policy, Budget(folder, url, "dev"))
    return Client(Host.parse(url), account, Transport())


@pytest.mark.parametrize("data", [None, [], "text"])
def test_answer_without_data_is_tried_again_and_named(
    canned: Canned, tmp_path: Path, data: object
) -> None:
    canned.answers["graphql"] = (200, {"data": data})
    with pytest.raises(Unavailable, match=r"gave an answer without data \(status 200\)\."):
        client_of(canned.url, tmp_path).execute("query { apps }")
    assert len(canned.asked) == 3


@pytest.mark.parametrize(
    ("errors", "words"),
    [
        (["Not here."], "Not here."),
        ("Not here.", "Not here."),
        ([{"message": "Not here.", "extensions": None}], "Not here."),
        ([{}], "The server gives no reason."),
        ([None], "The server gives no reason."),
    ],
)
def test_error_in_any_form_is_told(
    canned: Canned, tmp_path: Path, errors: object, words: str
) -> None:
    canned.answers["graphql"] = (403, {"errors": errors})
    with pytest.raises(DeTasksError) as refused:
        client_of(canned.url, tmp_path).execute("query { apps }")
    assert str(refused.value) == words


def test_picture_that_no_login_may_see_is_asked_for_once_more(
    canned: Canned, tmp_path: Path
) -> None:
    canned.answers["picture"] = (401, {})
    login = Endless()
    client = client_of(canned.url, tmp_path, login)
    with pytest.raises(NotLoggedIn, match=r"shows it to nobody\. Log in again$"):
        client.picture(f"{canned.url}/picture")
    assert (login.renewed, len(canned.asked)) == (1, 2)


def test_limit_of_which_the_server_tells_nothing_is_believed(
    canned: Canned, tmp_path: Path
) -> None:
    Budget(tmp_path, canned.url, "dev").refused(60)
    canned.answers["graphql"] = (503, {})
    with pytest.raises(RateLimited, match=r"^Rate limit reached\. Try again in \d\d s"):
        client_of(canned.url, tmp_path).execute("query { apps }")
    assert [name for name, _ in canned.asked] == ["graphql"], "how much is left, and no more"


@pytest.mark.parametrize(
    "refusal",
    [
        "Cannot query field '__type' on type 'Query'.",
        "GraphQL introspection has been disabled, but the query contained the field '__type'.",
        "Cannot query '__type': introspection is disabled.",
    ],
)
def test_server_that_does_not_tell_its_schema_has_the_published_api(
    refusal: str, canned: Canned, tmp_path: Path
) -> None:
    canned.answers["graphql"] = (400, {"errors": [{"message": refusal}]})
    assert version_4.is_all(client_of(canned.url, tmp_path))


def test_other_refusal_says_nothing_of_the_version(canned: Canned, tmp_path: Path) -> None:
    canned.answers["graphql"] = (400, {"errors": [{"message": "Not today."}]})
    with pytest.raises(DeTasksError, match=r"^Not today\.$"):
        version_4.is_all(client_of(canned.url, tmp_path))


def test_build_that_was_cancelled_must_be_told(canned: Canned, tmp_path: Path) -> None:
    canned.answers["graphql"] = (200, {"data": {"cancelBuild": {"error": None, "build": None}}})
    with pytest.raises(DeTasksError, match="does not say which build was cancelled"):
        GraphQLPlatform(client_of(canned.url, tmp_path)).cancel_build("shop")


def test_restart_is_not_asked_for_twice(tmp_path: Path) -> None:
    with FaultProxy("http://127.0.0.1:9").running() as proxy:
        platform = GraphQLPlatform(client_of(proxy.url, tmp_path))
        proxy.arm(lambda exchange: exchange.reset(), "restartApp", times=9)
        with pytest.raises(Temporary, match=r"(?s)was cut.*may have happened.*status --name shop"):
            platform.restart("shop")
        assert proxy.struck == 1
        proxy.refuse()
        with pytest.raises(Unavailable, match=r"does not answer\.") as refused:
            platform.restart("shop")
    assert "may have happened" not in str(refused.value)


def test_app_whose_name_is_a_part_of_another_ones_has_no_log(
    canned: Canned, tmp_path: Path
) -> None:
    canned.answers["graphql"] = (200, {"data": {"apps": {"apps": [{"name": "shop-2"}]}}})
    client = client_of(canned.url, tmp_path)
    platform = version_4.PublishedPlatform(client, Host.parse(canned.url))
    assert platform.runtime_log("shop", "web", 9) is None
