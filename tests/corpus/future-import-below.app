What Python parses and does not compile.

check: error syntax-error app.py:2 | must occur at the beginning of the file
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn
-- app.py --
import os
from __future__ import annotations

def server(environ, start_response):
    start_response("200 OK", [])
    return [os.sep.encode()]
