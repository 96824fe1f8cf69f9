A script has CRLF line ends.

check: error crlf-script Procfile:1 | Save it with LF
live: no
last: start.sh
-- Procfile --
web: ./start.sh
-- requirements.txt --
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- start.sh crlf x --
#!/bin/sh
exec gunicorn app:server
