"""One equation per file; the filename is `model.name`."""

import importlib
from typing import Any

from aejax.data.types import Spec
from aejax.keys import files
from aejax.types import Autoencoder

NAMES = files("models")


def make(config: Any, spec: Spec) -> Autoencoder:
    """The model of `config.model` for data of this spec; raises UserError for settings that it cannot use."""
    module = importlib.import_module(f"aejax.models.{config.name}")
    return module.make(config, spec)
