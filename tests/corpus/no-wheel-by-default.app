... or for any Python that the platform has by default.

check: warning no-wheel requirements.txt:2 | up to Python 3.9 only
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn
pandas==1.1.5
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
