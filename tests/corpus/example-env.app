Examples of .env files have no secrets.

-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- .env.example --
MODE=
-- .env.production.example --
MODE=
