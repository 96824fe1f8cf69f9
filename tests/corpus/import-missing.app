No requirement brings what is imported.

check: warning import-not-required app.py:1 | 'pyyaml'
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn
-- app.py --
import yaml

def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
