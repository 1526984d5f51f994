"""Charts as Plotly figures, one file per subject."""
