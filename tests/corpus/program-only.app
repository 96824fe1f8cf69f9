The app is made only where its file is run as a program.

check: error no-variable Procfile:1 | app.py defines app, which app:app names, only where it is run as a program.
-- Procfile --
web: gunicorn app:app
-- requirements.txt --
gunicorn
dash
-- app.py --
import dash
from dash import html

if __name__ == "__main__":
    app = dash.Dash(__name__)
    app.layout = html.Div("hello")
    app.run()
