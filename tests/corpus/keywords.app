Words of the shell, where gunicorn stands in a branch.

-- Procfile --
web: if [ -n "$PORT" ]; then exec gunicorn app:server; else sleep 1; fi
-- requirements.txt --
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
