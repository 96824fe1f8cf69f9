"""What uv says of requirements that cannot be installed, in the words of their author."""

from __future__ import annotations

import pytest

from de_tasks.server.runtime import install_errors

END = "we can conclude that your requirements are unsatisfiable."
TAGS = """
error: No solution found when resolving dependencies
  cause: Because torch==1.0.0 has no wheels with a matching Python ABI tag (e.g., `cp311`) and you
         require torch==1.0.0, {END}

hint: You require CPython 3.11 (`cp311`), but we only found wheels for `torch` (v1.0.0) with the \
following Python ABI tags: `cp27m`, `cp27mu`, `cp36m`, `cp37m`
"""
BUILD = """
error: Failed to build `anyjson==0.3.3`
  cause: The build backend returned an error
  cause: Call to `setuptools.build_meta:__legacy__.build_wheel` failed (exit status: 1)

         [stdout]
         running build

         [stderr]
         Traceback (most recent call last):
           File "setup.py", line 274, in generate_cython
             raise RuntimeError("Running cythonize failed!")
         RuntimeError: Running cythonize failed!

hint: `anyjson` (v0.3.3) was included because `kombu` (v3.0.37) depends on `anyjson>=0.3.3`
hint: Build failures usually indicate a problem with the package or the build environment
"""
LOCAL = """
error: The build backend returned an error
  cause: Call to `own.build_wheel` failed (exit status: 1)

         [stderr]
         TOKEN is not set
"""
DRAWN = f"""
  \u00d7 No solution found when resolving dependencies:
  \u2570\u2500\u25b6 Because there is no version of flask==99.0 and you require
      flask==99.0, {END}
"""
REFUSED = """
error: Request failed after 3 retries
  cause: Failed to fetch: http://127.0.0.1:9/simple/flask/
  cause: tcp connect error
  cause: Connection refused (os error 111)
"""


@pytest.mark.parametrize(
    ("said", "parts"),
    [
        (f"  cause: Because there is no version of flask==99.0 and you require it, {END}",
         ["flask==99.0 is not in the index", "correct the version"]),
        (DRAWN, ["flask==99.0 is not in the index"]),
        (f"cause: Because only flask<=3.1.3 is available and you require flask>99, {END}",
         ["only flask<=3.1.3 is available"]),
        (f"Because nosuch was not found in the package registry and you require nosuch, {END}",
         ["nosuch is not in the index", "--extra-index-url"]),
        ("Because the current Python version (3.11.7) does not satisfy Python>=3.12 and you "
         f"require numpy==2.5.0, {END}", ["numpy==2.5.0 needs Python>=3.12", "3.11.7", "runtime"]),
        (TAGS, ["torch==1.0.0 has no wheel for Python 3.11, only for 2.7, 3.6, 3.7", "runtime"]),
        ("Because mine==1 has no wheels with a matching platform tag (e.g., `x`) and you require "
         f"mine==1, {END}", ["mine==1 has no wheel for this Python or this machine", "runtime"]),
        ("Because a==1 depends on b>=2 and you require a==1, we can conclude that you require b>=2."
         f"\n And because you require b==1, {END}", ["contradict", "b>=2", "you require b==1"]),
        (BUILD, ["anyjson==0.3.3, which kombu requires, has no wheel for Python 3.11",
                 "RuntimeError: Running cythonize failed!"]),
        (LOCAL, ["TOKEN is not set"]),
        (REFUSED, ["http://127.0.0.1:9/simple/flask/ could not be reached: Connection refused"]),
    ],
)  # fmt: skip
def test_cause_and_remedy(said: str, parts: list[str]) -> None:
    lines = said.splitlines()
    why = install_errors.unmet(lines, "3.11") or install_errors.refusal(lines, "3.11")
    assert [part for part in parts if part not in why] == [], why


def test_long_words_are_not_searched_for_names() -> None:
    why = install_errors.refusal(["error: " + "x" * 70_000 + " ==", "  cause: no operator"], "3.11")
    assert why == "no operator"


def test_what_was_being_compiled_is_named() -> None:
    said = ["   Building numpy==1.21.2", " Building a==1", " Building b==1", "  Built a==1"]
    assert install_errors.being_built(said) == "numpy==1.21.2 and b==1"
    assert install_errors.being_built(["Downloading numpy"]) == ""


def test_address_that_cannot_be_built_is_not_asked_to_be_another_version() -> None:
    said = [
        "error: Failed to build `mine @ git+https://host/mine`",
        "  cause: The build backend returned an error",
        "         [stderr]",
        "         no compiler.",
    ]
    why = install_errors.refusal(said, "3.11")
    assert why == "mine @ git+https://host/mine could not be built: no compiler"
