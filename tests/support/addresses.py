"""Addresses of loopback to come from: a sandbox counts failures by them."""

from __future__ import annotations

import itertools

import requests

_NUMBERS = itertools.count(257)


def fresh() -> str:
    """An address that nothing in this process has come from yet."""
    number = next(_NUMBERS)
    return f"127.{1 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"


class Here:
    """Where the present test comes from; `conftest.py` moves it before each test."""

    def __init__(self) -> None:
        self.address = fresh()

    def move(self) -> None:
        """Come from an address that is new."""
        self.address = fresh()


here = Here()


def client(address: str = "") -> requests.Session:
    """A client that comes from an address, that of the present test if none is given."""
    session = requests.Session()
    source = (address or here.address, 0)

    class Adapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *args: object, **options: object) -> None:
            super().init_poolmanager(*args, source_address=source, **options)  # type: ignore[arg-type,no-untyped-call]

    session.mount("http://", Adapter())
    return session
