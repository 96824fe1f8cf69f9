PYTHONPATH before the command.

-- Procfile --
web: PYTHONPATH=src gunicorn app:server
-- requirements.txt --
gunicorn
-- src/app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
