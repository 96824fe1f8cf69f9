The requirements are in a Pipfile.

check: error no-requirements requirements.txt | pipenv requirements
-- Procfile --
web: gunicorn app:server
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- Pipfile --
[packages]
gunicorn = "*"
