Of both, one is read.

check: warning conda-unused environment.yml
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- environment.yml --
name: board
dependencies:
  - gunicorn
