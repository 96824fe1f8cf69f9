PYTHONPATH is exported first.

-- Procfile --
web: export PYTHONPATH=$PWD/src && gunicorn app:server
-- requirements.txt --
gunicorn
-- src/app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
