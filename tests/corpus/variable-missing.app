The code reads a variable that nobody has set.

live: no
last: KeyError: 'BOARD_KEY'
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn
-- app.py --
import os

KEY = os.environ['BOARD_KEY']


def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
