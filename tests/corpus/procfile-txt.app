The Procfile has an ending.

check: error no-procfile Procfile | Rename it to Procfile
-- requirements.txt --
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- Procfile.txt --
web: gunicorn app:server
