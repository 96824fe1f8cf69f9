gunicorn reads what to serve from a file of PasteDeploy.

-- Procfile --
web: gunicorn --paste production.ini
-- requirements.txt --
gunicorn
pastedeploy
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- production.ini --
[app:main]
paste.app_factory = app:make
