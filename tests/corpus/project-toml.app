project.toml names a script that is not there.

check: error no-script project.toml
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- project.toml --
[scripts]
predeploy = "build.sh"
