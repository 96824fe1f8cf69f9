The command changes to a folder that is not there.

check: error no-folder Procfile:1 | add the folder
-- Procfile --
web: cd server && gunicorn app:server
-- requirements.txt --
gunicorn
-- src/app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
