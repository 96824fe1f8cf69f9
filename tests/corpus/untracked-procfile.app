git does not know the Procfile.

untracked: Procfile
check: error no-procfile Procfile | git add -f Procfile
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
