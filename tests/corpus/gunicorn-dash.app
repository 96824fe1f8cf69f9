gunicorn reads a lone dash as an argument.

-- Procfile --
web: gunicorn app:server --capture-output -
-- requirements.txt --
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
