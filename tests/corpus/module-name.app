Requirements that are called as their modules are.

check: warning module-name requirements.txt:2 | Write 'pyyaml'
check: warning module-name requirements.txt:3 | json is a module of Python itself
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn
yaml
json
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
