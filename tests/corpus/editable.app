The package is installed by -e, and brings what it depends on.

-- Procfile --
web: gunicorn board.app:server
-- requirements.txt --
-e .
-- src/board/app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- src/board/__init__.py --
-- pyproject.toml --
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "board"
version = "1"
dependencies = ["gunicorn"]
