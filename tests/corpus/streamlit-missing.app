Streamlit is to run a file that is not there.

check: error no-script Procfile:1
-- Procfile --
web: streamlit run board.py --server.port $PORT
-- requirements.txt --
streamlit
-- app.py --
import streamlit
