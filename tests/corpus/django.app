manage.py starts a server that no requirement brings.

check: error not-required Procfile:1 | 'django'
-- Procfile --
web: python manage.py runserver 0.0.0.0:$PORT
-- requirements.txt --
gunicorn
-- manage.py --
import sys
