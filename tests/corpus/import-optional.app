What may be missing is tried.

-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn
-- app.py --
try:
    import yaml
except ImportError:
    yaml = None

def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
