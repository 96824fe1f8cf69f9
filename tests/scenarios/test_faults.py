"""What networks and gateways do, against each kind of thing that the client does."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import trustme

from de_tasks.server import control
from tests.support.faults import CERTIFICATES, FAULTS, Fault
from tests.support.operations import LONG, OPERATIONS, Operation, follow
from tests.support.stage import Stage, meeting, presenting, staged

ALWAYS = 1000
LASTING = ("read", "create", "push")
"""Operations that meet each fault again and again, too."""
LATE = ("stalled answer", "push")
"""Left to `make faults`: git takes five seconds each time to notice that half an answer stalls."""


@pytest.fixture(scope="module")
def stage(sandbox: control.Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(sandbox, tmp_path_factory.mktemp("faults")) as made:
        yield made


@pytest.fixture(autouse=True)
def no_limit(request: pytest.FixtureRequest) -> None:
    for name in {"stage", "secure"} & set(request.fixturenames):
        request.getfixturevalue(name).forget_points()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault(fault: Fault, operation: Operation, stage: Stage) -> None:
    if operation.name in LASTING and (fault.name, operation.name) != LATE:
        lasts(fault, operation, stage)
    # What lasted has left nothing in the way of the next run, not even of one that meets it again.
    code = strikes_once(fault, operation, stage)
    if operation.name in LASTING and code:
        word = operation.prepare(stage)
        assert operation.run(stage, word).code == 0
        assert operation.effects(stage, word) == operation.whole
    assert stage.left_behind() == []


def lasts(fault: Fault, operation: Operation, stage: Stage) -> None:
    """The operation meets the fault again and again."""
    word = operation.prepare(stage)
    with meeting(stage, fault, operation.target, ALWAYS), stage.patience(2, attempts=2):
        done = operation.run(stage, word)
    _, code, words = fault.ending(operation.name)
    if fault.done and operation.name == "create":
        # It was made, and the server says so when it is asked.
        code, words = 0, ""
    assert done.code == code and re.search(words, done.err), done.err
    assert operation.effects(stage, word) in (0, operation.whole)


def strikes_once(fault: Fault, operation: Operation, stage: Stage) -> int:
    """The operation meets the fault once; returns how it ended."""
    word = operation.prepare(stage)
    with meeting(stage, fault, operation.target):
        done = operation.run(stage, word)
    code, _, words = fault.ending(operation.name)
    assert done.code == code, done.err
    assert re.search(words, done.err) if code else operation.effects(stage, word) == operation.whole
    assert operation.effects(stage, word) in (0, operation.whole)
    return done.code


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_log_that_is_followed_goes_on(fault: Fault, stage: Stage) -> None:
    word = f"mark-{stage.word()}"
    with meeting(stage, fault, r'runtimeLogs.*"after": "\d'):
        done = follow(stage, word, wait=1 if fault.stalls else LONG)
    code, _, words = fault.ending("follow")
    assert done.code == (code or 130), done.err
    assert re.search(words, done.err) if code else done.out.count(word) == 1


@pytest.fixture(scope="module")
def secure(sandbox: control.Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(sandbox, tmp_path_factory.mktemp("secure"), authority=trustme.CA()) as made:
        yield made


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
@pytest.mark.parametrize("kind", CERTIFICATES)
def test_certificate_is_refused_at_once(kind: str, operation: Operation, secure: Stage) -> None:
    word = operation.prepare(secure)
    with presenting(secure, kind):
        done = operation.run(secure, word)
    assert done.code == 1 and "is not trusted" in done.err and "trying again" not in done.err
    # Git does not tell why, where it was built with GnuTLS.
    words = () if operation.name in ("push", "upload") else CERTIFICATES[kind]
    assert all(word in done.err for word in words), done.err
    assert operation.effects(secure, word) == 0
    assert operation.run(secure, word).code == 0
