A requirement that only Windows has, as pip freeze writes it there.

check: error other-system requirements.txt:2 | Write "pywin32==306; sys_platform == 'win32'"
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn
pywin32==306
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
