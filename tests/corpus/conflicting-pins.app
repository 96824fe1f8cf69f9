Two versions of one package.

check: error conflicting-pins requirements.txt:3
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn
click==8.0
click==8.1
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
