Dash's server is not defined.

check: error no-variable Procfile:1 | server = board.server
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
dash
gunicorn
-- app.py --
import dash

board = dash.Dash()
