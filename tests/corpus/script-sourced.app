bash reads a file into the shell.

live: yes
-- Procfile --
web: source ./settings.sh && gunicorn "$MODULE:server"
-- requirements.txt --
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- settings.sh --
MODULE=app
