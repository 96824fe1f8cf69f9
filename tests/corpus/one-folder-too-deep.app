The module is in a folder that the command does not name.

check: error no-module Procfile:1 | cd src &&
live: no
last: ModuleNotFoundError: No module named 'app'
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn
-- src/app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
