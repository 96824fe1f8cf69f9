The requirements are poetry's.

check: error no-requirements requirements.txt | poetry export
-- Procfile --
web: gunicorn app:server
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- poetry.lock --

-- pyproject.toml --
[tool.poetry]
name = "board"
