"""An AnnData file, .h5ad: X or a layer of it, with the names of its rows (obs) and of its features (var).

`data.layer` names the layer, `data.label_column` and `data.id_column` name columns of obs. Without the latter, the
names of obs are the ids. Needs the extra `anndata`.
"""

from typing import Any

import numpy as np

from aejax.data import nearest, readers, sparse
from aejax.errors import UserError


def read(path: str, config: Any, new: bool) -> readers.Read:
    """The rows of X or of a layer; a UserError names the column or the layer that is missing."""
    anndata = readers.extra("anndata", "anndata", path)
    try:
        table = anndata.read_h5ad(path)
    except Exception as error:  # of HDF5, of anndata
        raise readers.damaged(path, error) from error
    x = table.layers[_layer(table, config.layer, path)] if config.layer else table.X
    if x is None:
        raise UserError(f"{path} has no X: set data.layer; {nearest('', list(table.layers))}")
    names = tuple(table.var_names.astype(str))
    readers.check_names(names, path)
    columns = {"ids": table.obs_names.to_series()}
    columns |= {f: table.obs[name] for f, name in readers.taken(list(table.obs), config, path, new).items()}
    split = {field: _values(column) for field, column in columns.items()}
    if "y" in split:
        readers.check_labels(split["y"], config.label_column, path)
    split["ids"] = readers.as_text(split["ids"])
    x = sparse.as_csr(x, path) if sparse.is_sparse(x) else np.asarray(x)
    return readers.Read({"train": {"x": x} | split}, names)


def _layer(table: Any, layer: str, path: str) -> str:
    if layer not in table.layers:
        known = nearest(layer, list(table.layers)) if len(table.layers) else "it has none, remove the key"
        raise UserError(f"data.layer={layer}: {path} has no such layer: {known}")
    return layer


def _values(column: Any) -> np.ndarray:
    """A column of pandas [N]: numbers as they are, all else as text; what is missing is empty."""
    if column.dtype.kind in "biuf":
        return column.to_numpy()
    return column.astype(object).where(column.notna(), "").to_numpy().astype(str)
