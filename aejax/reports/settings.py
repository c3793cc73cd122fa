"""What the settings of a sweep are called in figures and pages. Imports no jax."""

from typing import Any

LETTERS = {  # symbols for swept keys, as in the lecture
    "objective.beta": "β",
    "objective.sparsity": "λ",
    "objective.target_activation": "z₀",
    "model.latent_dim": "k",
    "model.name": "model",
}


def setting_name(setting: dict[str, Any]) -> str:
    """The swept values with the usual symbols: "β = 4, k = 2"."""
    named = [(LETTERS.get(path, path.rpartition(".")[2]), value) for path, value in setting.items()]
    return ", ".join(f"{name} = {f'{value:g}' if isinstance(value, float) else value}" for name, value in named)
