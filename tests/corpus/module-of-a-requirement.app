What is served comes from a requirement that nobody here knows.

-- Procfile --
web: gunicorn acme_board.wsgi:app
-- requirements.txt --
gunicorn
acme-board
