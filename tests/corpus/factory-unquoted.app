The shell does not take brackets.

check: error shell-syntax Procfile:1 | Quote it: 'app:create_app()'
live: no
last: syntax error near unexpected token
-- Procfile --
web: gunicorn app:create_app()
-- requirements.txt --
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]


def create_app():
    return server
