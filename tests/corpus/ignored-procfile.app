A .gitignore leaves the Procfile out.

check: error no-procfile Procfile | .gitignore
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- .gitignore --
Procfile
