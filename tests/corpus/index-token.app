An address has a password in it.

check: error index-password requirements.txt:1 | ${NAME}
check: warning other-index requirements.txt:1
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
--extra-index-url https://me:not-a-password@index.example.org/simple  # kingfisher:ignore
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
