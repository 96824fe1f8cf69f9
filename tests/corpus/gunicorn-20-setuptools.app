... and not where the app asks for a setuptools without it.

check: warning needs-setuptools requirements.txt:1 | 'setuptools<81'
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn==19.9.0
setuptools>=70
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
