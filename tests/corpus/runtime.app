runtime.txt is not as it should be.

version: 4
check: error bad-runtime runtime.txt:1 | python-3.11.7
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- runtime.txt --
3.11
