A quote without its partner.

check: error shell-syntax Procfile:1 | the other quote
-- Procfile --
web: gunicorn 'app:server
-- requirements.txt --
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
