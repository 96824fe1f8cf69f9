A worker is to load a module that is not there.

check: error no-module Procfile:2
-- Procfile --
web: gunicorn app:server
worker: celery -A jobs worker
-- requirements.txt --
gunicorn
celery
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
