The code reads an address that nobody has attached.

live: no
last: de-tasks services create --type redis
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn
-- app.py --
import os

ADDRESS = os.environ['REDIS_URL']


def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
