... or for any Python that the platform has by default.

check: warning no-wheel requirements.txt:2 | inv update --python-version 3.9
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn
pandas==1.1.5
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
