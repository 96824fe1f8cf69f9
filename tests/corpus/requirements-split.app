The requirements are in a folder, one file for each use.

check: error no-requirements requirements.txt | -r requirements/production.txt
-- Procfile --
web: gunicorn app:server
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- requirements/base.txt --
flask
-- requirements/production.txt --
-r base.txt
gunicorn
