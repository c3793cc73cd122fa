"""A trained member as a folder that works without aejax: its weights, what they mean, a reader, and jax's programs.

- `weights.safetensors` and `model.json`: the arrays (float32), and the layers and preprocessing that they belong to;
- `reader.py`: both, computed with numpy; a copy of the file beside this one;
- `encode.jax_export` and `decode.jax_export`: the same as programs of jax, for as long as jax promises to load them;
- `README.md`: how to use them.
"""

import hashlib
import importlib.metadata
import importlib.util
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aejax import __version__, records
from aejax import config as configs
from aejax.data.types import Condition
from aejax.errors import UserError

if TYPE_CHECKING:
    from aejax.trained import Trained
    from aejax.types import Layer

FORMAT = 1  # of model.json
READER = Path(__file__).with_name("reader.py")
PAGE = Path(__file__).with_name("page.md")
FILES = ("README.md", "decode.jax_export", "encode.jax_export", "model.json", "reader.py", "weights.safetensors")
NEEDED = ("flatbuffers", "safetensors")


def check(folder: Path) -> None:
    """Raises UserError if a library is missing, or if the folder holds anything but an export."""
    if lost := [name for name in NEEDED if not importlib.util.find_spec(name)]:
        raise UserError(f"an export needs {' and '.join(lost)}: pip install 'aejax[export]'")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"--output={folder} is a file: name a folder")
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if names - set(FILES) and "model.json" not in names:
        raise UserError(f"--output={folder} holds other files: name a new folder")


def write(model: "Trained", folder: Path) -> list[str]:
    """Writes the folder of a member; returns what its reader cannot do, in sentences."""
    from safetensors.numpy import save

    from aejax.export import programs

    facts, arrays = describe(model)
    weights = save(arrays)
    made = {"encode": programs.encode(model)} | ({"decode": programs.decode(model)} if model.model.decode else {})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "decode.jax_export").unlink(missing_ok=True)  # of an earlier export
    (folder / "weights.safetensors").write_bytes(weights)
    for name, program in made.items():
        (folder / f"{name}.jax_export").write_bytes(program)
    shutil.copyfile(READER, folder / "reader.py")
    shutil.copyfile(PAGE, folder / "README.md")
    records.write_json(folder / "model.json", facts | {"weights_sha256": hashlib.sha256(weights).hexdigest()})
    return [facts[name] for name in ("encoder", "decoder") if isinstance(facts[name], str)]


def describe(model: "Trained") -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The facts of model.json, and the arrays that they name."""
    config, spec = model.config, model.spec
    layers, leaves, arrays = model.layers(), configs.flatten(config), {}
    name, posterior = config.model.name, config.model.posterior
    encoder: Any = f"model.posterior={posterior}: its code passes through flows, which only encode.jax_export computes"
    decoder: Any = f"model.name={name} has no decoder"
    if layers.encoder is not None:
        encoder = {"layers": named(layers.encoder, "encoder", arrays)}
    if layers.decoder:
        link = [link._asdict() for link in layers.decoder.link]
        decoder = {"layers": named(layers.decoder.layers, "decoder", arrays), "link": link}
    if spec.fill is not None:  # what follows the numbers is never missing
        rest = np.full(spec.shape[0] - len(spec.fill), np.nan)
        arrays["fill"] = np.concatenate([spec.fill, rest]).astype(np.float32)
    if spec.center is not None:
        arrays |= {"center": np.asarray(spec.center), "spread": np.asarray(spec.spread)}
    return {
        "format": FORMAT,
        "aejax": __version__,
        "model": name,
        "member": model.member.row,
        "training": model.status,
        "latent_dim": config.model.latent_dim,
        "likelihood": None if configs.without_effect(leaves, "model.likelihood") else config.model.likelihood,
        "x": describe_x(model),
        "conditions": [column(one) for one in spec.conditions],
        "classes": spec.class_names,
        "items": model.dataset().ids["items"].tolist() if spec.kind == "pairs" else [],
        "encoder": encoder,
        "decoder": decoder,
        "jax_export": {
            "jax": importlib.metadata.version("jax"),
            "loaded_by": "a jax and jaxlib that were built up to 6 months after this version, or up to 3 weeks before",
        },
        "config": configs.to_json(config),
    }, arrays


def describe_x(model: "Trained") -> dict[str, Any]:
    """The rows x in the units of the data, and what is done to them before the first layer."""
    spec = model.spec
    in_unit = spec.bounded or spec.byte_scale != 1.0
    return {
        "shape": spec.shape,
        "kind": spec.kind,
        "support": spec.support,
        "features": spec.feature_names,
        "numbers": spec.feature_names[: spec.num_numbers] if spec.kind == "table" else [],
        "categories": [column(one, spec.fill is not None) for one in spec.categories],
        "grey": (spec.kind == "image" or spec.byte_scale != 1.0) and spec.support != "counts",
        "range": [0.0 if in_unit or spec.support == "counts" else None, 1.0 if in_unit else None],
        "threshold": 0.5 if model.config.data.binarization == "threshold" else None,
        "standardized": spec.center is not None,
    }


def column(one: Condition, fills: bool = False) -> dict[str, Any]:
    """A column of numbers, or of categories with the one that stands for a missing value if there is such a one."""
    missing = one.categories[int(one.typical)] if fills else None
    numbers = {"center": one.center, "spread": one.spread} if not one.categories else {}
    return {"name": one.name, "values": one.categories, "missing": missing, **numbers}


def named(layers: Iterable["Layer"], part: str, arrays: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """The layers with the names of their arrays, which are added to `arrays`."""
    found = []
    for number, layer in enumerate(layers):
        names = {name: f"{part}.{number}.{name}" for name in layer.arrays}
        arrays |= {names[name]: np.asarray(value, np.float32) for name, value in layer.arrays.items()}
        found.append(layer._asdict() | {"arrays": names})
    return found
