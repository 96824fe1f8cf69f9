A file of the app has the name of a package.

check: warning hidden-package flask.py | 'import flask' loads that file
live: no
last: cannot import name 'Flask'
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn
flask
-- flask.py --
"""Tries of a beginner."""
-- app.py --
from flask import Flask

server = Flask(__name__)
