A release phase.

-- Procfile --
release: python migrate.py
web: gunicorn app:server
-- requirements.txt --
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- migrate.py --
raise SystemExit(3)
