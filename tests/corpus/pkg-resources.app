Python up to 3.11 brought pkg_resources along.

live: yes
python: 3.11
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn
-- app.py --
import pkg_resources

def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
