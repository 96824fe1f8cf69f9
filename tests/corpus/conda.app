Conda's file alone: the platform builds it, a sandbox does not.

live: no
last: environment.yml alone is not built here
-- Procfile --
web: gunicorn app:server
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- environment.yml --
name: board
dependencies:
  - gunicorn
