"""What a server writes when an app of its raises while it is loaded."""

from __future__ import annotations

PACKAGE = "/data/environments/1a/lib/python3.11/site-packages/gunicorn/util.py"
OWN = [
    '  File "/data/apps/3/releases/12/app.py", line 4, in <module>',
    "    connect()",
    "    ^^^^^^^^^",
]
ENDED = ["RuntimeError: no DATABASE_URL configured", "[7] [ERROR] Shutting down: Master"]
BOOT = [
    "Traceback (most recent call last):",
    f'  File "{PACKAGE}", line 371, in import_app',
    "    mod = importlib.import_module(module)",
    "          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^",
    '  File "/usr/lib/python3.11/importlib/__init__.py", line 126, in import_module',
    "    return _bootstrap._gcd_import(name[level:], package, level)",
    '  File "<frozen importlib._bootstrap>", line 241, in _call_with_frames_removed',
    "  [Previous line repeated 2 more times]",
    *OWN,
    ENDED[0],
    "no DATABASE_URL configured",
    ENDED[1],
]
