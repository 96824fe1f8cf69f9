"""Energy use of a few sites: a small Streamlit dashboard to start your own from.

The figures are computed, not loaded, so the app runs anywhere. Replace `energy` with your own
source and keep the rest.
"""

from __future__ import annotations

from math import cos, pi, sin

import pandas as pd
import streamlit as st

TITLE = "Energy across our sites"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# MWh a month whatever the weather, and on top of that in the coldest month.
SITES = {
    "Harbour office": (62, 48),
    "Old Foundry": (118, 26),
    "North depot": (41, 57),
    "Science park": (74, 14),
}
COLOURS = ["#3b82f6", "#14b8a6", "#f59e0b", "#a78bfa"]


@st.cache_data
def energy() -> pd.DataFrame:
    """MWh by month and site."""
    return pd.DataFrame(
        {
            site: [
                base + heating * (1 + cos(2 * pi * month / 12)) / 2 + 3 * sin(5 * month + base)
                for month in range(12)
            ]
            for site, (base, heating) in SITES.items()
        },
        index=pd.CategoricalIndex(MONTHS, categories=MONTHS, ordered=True, name="month"),
    )


st.set_page_config(page_title=TITLE, page_icon="⚡", layout="centered")
st.title(TITLE)
chosen = st.multiselect("Sites", list(SITES), default=list(SITES))
if not chosen:
    st.info("Choose at least one site.")
    st.stop()

figures = energy()[chosen]
total = figures.sum(axis=1)
left, middle, right = st.columns(3)
left.metric("This year", f"{total.sum():,.0f} MWh")
middle.metric("Busiest month", str(total.idxmax()))
right.metric("A month on average", f"{total.mean():,.0f} MWh")
colours = [COLOURS[list(SITES).index(site)] for site in chosen]
st.bar_chart(figures, color=colours, y_label="MWh", x_label="", height=380)
with st.expander("The figures"):
    st.dataframe(figures.round(1), width="stretch")
