A marker excludes the server.

check: error not-required Procfile:1 | Take the marker out
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn; sys_platform == 'win32'
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
