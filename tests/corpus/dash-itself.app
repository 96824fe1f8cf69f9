Dash itself is served, and is too old for it.

check: error gunicorn-app Procfile:1 | Write app:server in the Procfile, and add to app.py, below board: server = board.server
-- Procfile --
web: gunicorn app:board
-- requirements.txt --
dash~=2.11.1
gunicorn
-- app.py --
import dash

board = dash.Dash()
