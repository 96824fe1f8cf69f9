Only an index knows that there is no such version.

live: no
last: requirements.txt: 
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn==0.0.99
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
