The script is not there.

check: error no-script Procfile:1
live: no
last: ./start.sh: No such file
-- Procfile --
web: ./start.sh
-- requirements.txt --
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
