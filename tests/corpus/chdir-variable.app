Where it runs is in a variable.

-- Procfile --
web: gunicorn --chdir $FOLDER app:server
-- requirements.txt --
gunicorn
-- src/app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
