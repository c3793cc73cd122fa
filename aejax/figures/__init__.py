"""Pictures of what was learned: numpy in, PNG out. A run is a sweep of one, so every picture takes a list of panels.

`draw_NAME(...)` returns the matplotlib Figure; `NAME(path, ...)` takes the same arguments and writes it. Only this
package imports matplotlib, on its Agg backend and without pyplot's global state.
"""

from aejax.figures.images import draw_latent_grid, draw_reconstructions, draw_rows, draw_tiles, grid_codes
from aejax.figures.latent import draw_latent_scatter, embed_2d
from aejax.figures.lessons import LatentSpace, draw_estimators, draw_kl_curve, draw_lambda_panel, draw_latent_spaces
from aejax.figures.lines import draw_curves, draw_rate_distortion
from aejax.figures.positions import draw_maps
from aejax.figures.regularized import draw_activations, draw_confusion, draw_errors_by_level, draw_matrices
from aejax.figures.style import save, styled, to_png
from aejax.figures.tables import draw_table_heatmap
from aejax.figures.traversals import draw_traversals, traversal_codes
from aejax.figures.units import draw_likelihood, draw_units

activations = to_png(draw_activations)
confusion = to_png(draw_confusion)
curves = to_png(draw_curves)
errors_by_level = to_png(draw_errors_by_level)
estimators = to_png(draw_estimators)
kl_curve = to_png(draw_kl_curve)
lambda_panel = to_png(draw_lambda_panel)
latent_grid = to_png(draw_latent_grid)
latent_scatter = to_png(draw_latent_scatter)
latent_spaces = to_png(draw_latent_spaces)
likelihood = to_png(draw_likelihood)
maps = to_png(draw_maps)
matrices = to_png(draw_matrices)
rate_distortion = to_png(draw_rate_distortion)
reconstructions = to_png(draw_reconstructions)
rows = to_png(draw_rows)
table_heatmap = to_png(draw_table_heatmap)
tiles = to_png(draw_tiles)
traversals = to_png(draw_traversals)
units = to_png(draw_units)

__all__ = [
    "LatentSpace",
    "activations",
    "confusion",
    "curves",
    "draw_activations",
    "draw_confusion",
    "draw_curves",
    "draw_errors_by_level",
    "draw_estimators",
    "draw_kl_curve",
    "draw_lambda_panel",
    "draw_latent_grid",
    "draw_latent_scatter",
    "draw_latent_spaces",
    "draw_likelihood",
    "draw_maps",
    "draw_matrices",
    "draw_rate_distortion",
    "draw_reconstructions",
    "draw_rows",
    "draw_table_heatmap",
    "draw_tiles",
    "draw_traversals",
    "draw_units",
    "embed_2d",
    "errors_by_level",
    "estimators",
    "grid_codes",
    "kl_curve",
    "lambda_panel",
    "latent_grid",
    "latent_scatter",
    "latent_spaces",
    "likelihood",
    "maps",
    "matrices",
    "rate_distortion",
    "reconstructions",
    "rows",
    "save",
    "styled",
    "table_heatmap",
    "tiles",
    "to_png",
    "traversal_codes",
    "traversals",
    "units",
]
