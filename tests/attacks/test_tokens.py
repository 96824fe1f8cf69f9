"""Attacks with tokens: forged, altered, of another key or audience."""

from __future__ import annotations

import base64
import functools
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from de_tasks.server import control
from tests.support.addresses import client
from tests.support.attacker import OPENID, basic, genuine, login, opened
from tests.support.waiting import BOUND


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    head, body = (
        json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        for part in token.split(".")[:2]
    )
    return head, body


def raw(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


OTHER = RSAKey.generate_key(2048, parameters={"use": "sig", "alg": "RS256"}, auto_kid=True)


def no_algorithm(running: control.Running, alg: str = "none") -> str:
    _, claims = parts(genuine(running))
    return f"{raw({'alg': alg, 'typ': 'JWT'})}.{raw(claims)}."


def public_key_as_secret(running: control.Running) -> str:
    """RS256 taken for HS256: the public key, which everybody has, becomes the secret."""
    head, claims = parts(genuine(running))
    keys = client().get(f"{running.url}{OPENID}/certs", timeout=BOUND).json()["keys"]
    pem = RSAKey.import_key(keys[0]).as_pem(private=False)
    secret = OctKey.import_key(base64.b64encode(pem))
    return jwt.encode({**head, "alg": "HS256"}, claims, secret, algorithms=["HS256"])


def signed_otherwise(running: control.Running, **header: Any) -> str:
    head, claims = parts(genuine(running))
    token = jwt.encode({"alg": "RS256", "kid": OTHER.kid}, claims, OTHER)
    if not header:
        return token
    named = {k: v for k, v in {**head, **header}.items() if v is not None}
    return f"{raw(named)}.{token.split('.', 1)[1]}"


def altered(running: control.Running, **claims: Any) -> str:
    head, _, signature = genuine(running).split(".")
    _, known = parts(genuine(running))
    return ".".join((head, raw({**known, **claims}), signature))


def unsigned(running: control.Running) -> str:
    return genuine(running).rpartition(".")[0] + "."


FORGED: dict[str, Callable[[control.Running], str]] = {
    "none": no_algorithm,
    "None": functools.partial(no_algorithm, alg="None"),
    "nONE": functools.partial(no_algorithm, alg="nONE"),
    "empty algorithm": functools.partial(no_algorithm, alg=""),
    "public key as secret": public_key_as_secret,
    "another key": signed_otherwise,
    "another key by our name": functools.partial(signed_otherwise, x=None),
    "key inside": lambda running: signed_otherwise(running, jwk=OTHER.as_dict(private=False)),
    "key elsewhere": functools.partial(signed_otherwise, jku="http://127.0.0.1:1/keys"),
    "key by path": functools.partial(signed_otherwise, kid="../../../../dev/null"),
    "critical header": functools.partial(signed_otherwise, crit=["exp"]),
    "another user": functools.partial(altered, preferred_username="dev"),
    "no end": functools.partial(altered, exp=time.time() + 10**9),
    "no signature": unsigned,
    "two parts": lambda running: ".".join(genuine(running).split(".")[:2]),
    "four parts": lambda running: genuine(running) + ".x",
    "no text": lambda running: "....",
    "not base64": lambda running: "@@@.@@@.@@@",
    "long": lambda running: "a" * 60_000,
    "nested": lambda running: "eyJ" + "W1t" * 3000 + ".e30.e30",
    "identity token": lambda running: login(running).id_token,
    "refresh token": lambda running: login(running).refresh_token,
}


def misused(running: control.Running, **claims: Any) -> str:
    """A token that the sandbox's own key has signed, but not for this."""
    head, known = parts(genuine(running))
    key = RSAKey.import_key(json.loads((running.data / "signing-key.json").read_text()))
    body = {name: value for name, value in {**known, **claims}.items() if value is not None}
    return jwt.encode(head, body, key)


MISUSED: dict[str, dict[str, Any]] = {
    "expired": {"exp": 1},
    "without an end": {"exp": None},
    "end is no number": {"exp": "tomorrow"},
    "of another issuer": {"iss": "http://127.0.0.1:1/auth/realms/dash"},
    "without issuer": {"iss": None},
    "for an app": {"aud": "dash-app-vault"},
    "for an app, of its type": {"aud": "dash-app-vault", "typ": "App", "session": "x"},
    "for two audiences": {"aud": ["dash-app-vault", "dash"]},
    "without audience": {"aud": None},
    "of another type": {"typ": "ID"},
    "of no login": {"sid": "0" * 32},
    "of a login that is a list": {"sid": ["x"]},
    "of nobody": {"preferred_username": "gone"},
    "of a user that is a list": {"preferred_username": ["admin"]},
}


@pytest.mark.parametrize("kind", FORGED)
def test_forged_token_opens_nothing(kind: str, fortress: control.Running) -> None:
    assert opened(fortress, FORGED[kind](fortress)) <= {400, 401, 403}


@pytest.mark.parametrize("kind", MISUSED)
def test_misused_token_opens_nothing(kind: str, fortress: control.Running) -> None:
    assert opened(fortress, misused(fortress, **MISUSED[kind])) <= {400, 401, 403}


def test_genuine_token_opens_everything(fortress: control.Running) -> None:
    assert opened(fortress, genuine(fortress)) == {200} == opened(fortress, misused(fortress))


def test_token_as_password_of_another_user(fortress: control.Running) -> None:
    victim = str(parts(genuine(fortress))[1]["preferred_username"])
    token = login(fortress, "admin").access_token
    users = f"{fortress.url}/sandbox/users"
    header = {"Authorization": basic(victim, token)}
    assert client().get(users, headers=header, timeout=BOUND).status_code == 403
