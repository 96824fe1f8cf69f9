Every file of version 5, and what takes its place on version 4.

version: 4
check: warning other-version Aptfile | apt-packages
check: warning other-version project.toml | scripts.dokku of app.json
-- Procfile --
web: gunicorn app:server
release: true
-- requirements.txt --
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- Aptfile --
curl
-- project.toml --
[scripts]
predeploy = "predeploy.sh"
