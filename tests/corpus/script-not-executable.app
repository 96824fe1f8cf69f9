A script that nobody may run.

check: error not-executable Procfile:1 | chmod +x start.sh
-- Procfile --
web: ./start.sh
-- requirements.txt --
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- start.sh --
#!/bin/sh
exec gunicorn app:server
