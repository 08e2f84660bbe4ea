"""Entry of the app: navigation only. `make app`, or `python -m streamlit run app/main.py`."""

import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parents[1])
if ROOT not in sys.path:  # `streamlit run` puts app/ on the path, not the project; guarded, since each rerun comes here
    sys.path.insert(0, ROOT)

import streamlit as st  # noqa: E402

from app.views import differential  # noqa: E402

st.set_page_config(page_title="Lasègue", page_icon=str(Path(__file__).with_name("icon.png")), layout="wide")
st.navigation([st.Page(differential.render, title="Differential", url_path="differential", default=True)]).run()
