The requirements are in uv.lock alone.

check: error no-requirements requirements.txt | uv export
-- Procfile --
web: gunicorn app:server
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- uv.lock --
version = 1
-- pyproject.toml --
[project]
name = "board"
