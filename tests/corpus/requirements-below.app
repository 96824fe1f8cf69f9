The requirements are one folder deeper.

check: error no-requirements requirements.txt | -r app/requirements.txt
-- Procfile --
web: gunicorn app:server
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- app/requirements.txt --
gunicorn
