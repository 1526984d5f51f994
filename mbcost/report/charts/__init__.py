"""Charts as Plotly figures, one file a subject."""
