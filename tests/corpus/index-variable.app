The token of an index is a variable of the app.

check: warning other-index requirements.txt:1
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
--extra-index-url https://${TOKEN}@index.example.org/simple
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
