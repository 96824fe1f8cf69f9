Nothing but Python's own modules.

live: yes
-- Procfile --
web: python -m http.server $PORT --bind 127.0.0.1
-- app.py --
import json
