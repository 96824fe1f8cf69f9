The server tells upper and lower case apart.

check: error no-script Procfile:1 | write app.py
-- Procfile --
web: python App.py
-- requirements.txt --
gunicorn
-- app.py --
import http.server
