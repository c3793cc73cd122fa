"""Pictures of what was learned: numpy in, PNG out. A run is a sweep of one, so every picture takes a list of panels.

`draw_NAME(...)` returns the matplotlib Figure; `NAME(path, ...)` takes the same arguments and writes it. Only this
package imports matplotlib, on its Agg backend and without pyplot's global state.
"""

from aejax.reports.figures.heatmaps import draw_table_heatmap
from aejax.reports.figures.histograms import draw_activations
from aejax.reports.figures.images import draw_latent_grid, draw_reconstructions, draw_rows, draw_tiles, grid_codes
from aejax.reports.figures.latent import draw_latent_scatter, embed_2d
from aejax.reports.figures.lines import draw_curves, draw_rate_distortion
from aejax.reports.figures.positions import draw_maps
from aejax.reports.figures.style import save, styled, to_png
from aejax.reports.figures.traversals import draw_traversals, traversal_codes
from aejax.reports.figures.units import draw_likelihood, draw_units

activations = to_png(draw_activations)
curves = to_png(draw_curves)
latent_grid = to_png(draw_latent_grid)
latent_scatter = to_png(draw_latent_scatter)
likelihood = to_png(draw_likelihood)
maps = to_png(draw_maps)
rate_distortion = to_png(draw_rate_distortion)
reconstructions = to_png(draw_reconstructions)
table_heatmap = to_png(draw_table_heatmap)
tiles = to_png(draw_tiles)
traversals = to_png(draw_traversals)
units = to_png(draw_units)

__all__ = [
    "activations",
    "curves",
    "draw_activations",
    "draw_curves",
    "draw_latent_grid",
    "draw_latent_scatter",
    "draw_likelihood",
    "draw_maps",
    "draw_rate_distortion",
    "draw_reconstructions",
    "draw_rows",
    "draw_table_heatmap",
    "draw_tiles",
    "draw_traversals",
    "draw_units",
    "embed_2d",
    "grid_codes",
    "latent_grid",
    "latent_scatter",
    "likelihood",
    "maps",
    "rate_distortion",
    "reconstructions",
    "save",
    "styled",
    "table_heatmap",
    "tiles",
    "to_png",
    "traversal_codes",
    "traversals",
    "units",
]
