A Dockerfile is not read.

check: warning dockerfile Dockerfile
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- Dockerfile --
FROM scratch
