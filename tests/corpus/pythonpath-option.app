gunicorn's own option, with several folders.

-- Procfile --
web: gunicorn --pythonpath lib,src app:server
-- requirements.txt --
gunicorn
-- src/app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- lib/helper.py --
VALUE = 1
