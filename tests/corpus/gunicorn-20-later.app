... but not on Python 3.12.

version: 4
check: warning needs-setuptools requirements.txt:1 | gunicorn>=22
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn==20.1.0
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- runtime.txt --
python-3.12
