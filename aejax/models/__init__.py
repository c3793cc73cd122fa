"""One equation per file; the filename is `model.name`."""

import importlib
from typing import Any

from ml_collections import ConfigDict

from aejax.data.types import Spec
from aejax.keys import files
from aejax.types import Autoencoder

NAMES = files("models")


def make(config: Any, spec: Spec, precision: str = "float32") -> Autoencoder:
    """The model of `config.model` for data of this spec, its dense layers multiplying in `precision`.

    Raises UserError for settings that it cannot use.
    """
    module = importlib.import_module(f"aejax.models.{config.name}")
    return module.make(ConfigDict({**config, "precision": precision}), spec)
