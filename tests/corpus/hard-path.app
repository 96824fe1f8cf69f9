A link leads past the app.

check: warning hard-path app.py:5 | get_relative_path('/page')
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
dash
gunicorn
-- app.py --
from dash import Dash, dcc

app = Dash()
server = app.server
app.layout = dcc.Link('x', href='/page')
