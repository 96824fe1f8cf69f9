The app is a package in src that the line '.' installs.

live: yes
-- Procfile --
web: gunicorn board.app:server
-- requirements.txt --
.
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
