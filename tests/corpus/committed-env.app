A .env that is ignored, and was committed all the same.

untracked: nothing
check: error env-file .env | git rm --cached .env
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- .gitignore --
.env
-- .env --
MODE=fast
