sh runs a script that is not executable.

-- Procfile --
web: sh -e start.sh
-- requirements.txt --
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- start.sh --
exec gunicorn app:server
