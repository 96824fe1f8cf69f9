A file of requirements that stands at an address.

-- Procfile --
web: gunicorn app:server
-- requirements.txt --
-r https://index.example.org/base.txt
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
