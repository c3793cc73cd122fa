"""JumpReLU: every unit learns the threshold above which it is active; the penalty counts active units.

    python -m experiments.train --config=configs/jump_relu.py --workdir=runs/jump_relu \\
        --sweep objective.sparsity=0.1,0.2,0.4

The planted features of batch_top_k.py; the sweep is one program. About 4 min on two CPU cores. Expect at λ = 0.2 an
`mcc` of 0.981 ± 0.002 (seeds 0 to 2), an `f1` of 0.663, an `l0` of 2.4 (3 features are active in a row) and 3 to 5
`dead_units` of 512; at λ = 0.4 an `l0` of 2.0. Source: Rajamanoharan et al. 2024 (arXiv 2407.14435).
"""

from aejax.config import Config
from configs import batch_top_k


def get_config() -> Config:
    config = batch_top_k.get_config()
    config.model.selection = "jump_relu"
    config.model.top_k = 0
    config.model.penalty = "l0"
    config.model.initial_threshold = 0.1
    config.objective.bandwidth = 0.1
    config.objective.sparsity = 0.2
    return config
