"""One equation per file; the filename is `model.name`."""

import importlib
from typing import Any

from aejax import config as configs
from aejax.errors import choose
from aejax.types import Autoencoder, Spec

NAMES = configs.model_names()


def make(config: Any, spec: Spec) -> Autoencoder:
    """The model of `config.model` for data of this spec; raises UserError for settings that it cannot use."""
    module = importlib.import_module(f"aejax.models.{choose('model.name', config.name, NAMES)}")
    return module.make(config, spec)
