"""aejax: autoencoders and variational autoencoders in JAX, where a λ × seed sweep is one compiled program.

    model = aejax.fit(config, x)                                   # trains on an array
    run = aejax.run(config, "runs/beta", sweep={"objective.beta": [1, 4], "seed": range(3)})
    rows = aejax.evaluate("runs/beta")                             # test metrics: pandas.DataFrame(rows)
    model = aejax.load("runs/beta", member=4)                      # also of a run of the command line
    z = model.encode(x)

Input that cannot be used raises aejax.UserError. The functions are imported when they are first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aejax.errors import UserError
    from aejax.interface import evaluate, fit, load, run

__version__ = "0.1.0"
__all__ = ["UserError", "evaluate", "fit", "load", "run"]


if not TYPE_CHECKING:  # a type checker would take any name for one of the package's

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module 'aejax' has no attribute {name!r}")
        return getattr(importlib.import_module(f"aejax.{'errors' if name == 'UserError' else 'interface'}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
