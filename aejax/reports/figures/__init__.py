"""Draws the figures: numpy in, a matplotlib Figure out; `save` writes it as a PNG.

A run is a sweep of at least one member, so every figure takes a list of panels. Only this package imports matplotlib,
on its Agg backend and without pyplot's global state.
"""

from matplotlib.figure import Figure

from aejax.reports.figures.heatmaps import draw_table_heatmap
from aejax.reports.figures.histograms import draw_activations
from aejax.reports.figures.images import draw_latent_grid, draw_reconstructions, draw_rows, draw_tiles, grid_codes
from aejax.reports.figures.latent import draw_latent_scatter, embed_2d
from aejax.reports.figures.lines import draw_curves, draw_rate_distortion
from aejax.reports.figures.positions import draw_maps
from aejax.reports.figures.series import MOST_SERIES, draw_series
from aejax.reports.figures.style import save, styled
from aejax.reports.figures.traversals import draw_traversals, traversal_codes
from aejax.reports.figures.units import draw_likelihood, draw_units

__all__ = [
    "MOST_SERIES",
    "Figure",
    "draw_activations",
    "draw_curves",
    "draw_latent_grid",
    "draw_latent_scatter",
    "draw_likelihood",
    "draw_maps",
    "draw_rate_distortion",
    "draw_reconstructions",
    "draw_rows",
    "draw_series",
    "draw_table_heatmap",
    "draw_tiles",
    "draw_traversals",
    "draw_units",
    "embed_2d",
    "grid_codes",
    "save",
    "styled",
    "traversal_codes",
]
