An extra brings the server.

-- Procfile --
web: uvicorn main:app --host 0.0.0.0 --port $PORT
-- requirements.txt --
fastapi[standard]
-- main.py --
from fastapi import FastAPI

app = FastAPI()
