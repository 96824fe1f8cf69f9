The folder is that of a subshell.

-- Procfile --
web: (cd src && exec gunicorn app:server)
-- requirements.txt --
gunicorn
-- src/app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
