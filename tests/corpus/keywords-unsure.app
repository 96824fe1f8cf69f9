What stands in a branch may never run.

check: note no-module Procfile:1
-- Procfile --
web: if [ -n "$DEBUG" ]; then gunicorn debug:server; else gunicorn app:server; fi
-- requirements.txt --
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
