... and the file at the top includes one.

live: yes
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
-r requirements/production.txt
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- requirements/base.txt --
packaging
-- requirements/production.txt --
-r base.txt
gunicorn
