pushd, and a redirection.

-- Procfile --
web: pushd src > /dev/null && gunicorn app:server
-- requirements.txt --
gunicorn
-- src/app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
