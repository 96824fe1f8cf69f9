Every file of version 4, and what takes its place on version 5.

check: warning other-version runtime.txt | Set it with inv update --python-version 3.11
check: warning other-version app.json | [scripts] of project.toml
check: warning other-version CHECKS | Version 5 has no step for it
check: warning other-version DOKKU_SCALE | Every process of the Procfile runs once
check: warning other-version apt-packages | Aptfile
check: note release-process Procfile:2 | predeploy of project.toml
live: yes
-- Procfile --
web: gunicorn app:server
release: true
-- requirements.txt --
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- runtime.txt --
python-3.11.7
-- app.json --
{"scripts": {"dokku": {"predeploy": "predeploy.sh"}}}
-- CHECKS --
/board hello
-- DOKKU_SCALE --
web=1
-- apt-packages --
curl
