A command goes on in the next line.

check: error procfile-line Procfile:1 | Write the whole command in one line
-- Procfile --
web: gunicorn \
  --workers 2 \
  app:server
-- requirements.txt --
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
