A slip in an option.

check: warning gunicorn-option Procfile:1 | Correct it
live: no
last: unrecognized arguments: --wrokers
-- Procfile --
web: gunicorn app:server --wrokers 2
-- requirements.txt --
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
