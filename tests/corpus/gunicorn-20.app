gunicorn 20 imports pkg_resources, and finds it on Python 3.11.

version: 4
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn==20.1.0
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- runtime.txt --
python-3.11.7
