"""The DIP-VAE-II on sprites with known factors: the covariance of the codes is pulled towards I.

    python -m experiments.train --config=configs/dip_vae.py --workdir=runs/dip2 --sweep seed=0:3
    python -m experiments.train --config=configs/dip_vae.py --workdir=runs/dip1 --sweep seed=0:3 \\
        --config.model.dip=means --config.objective.dip_diagonal=100.0      # DIP-VAE-I
    python -m experiments.evaluate --workdir=runs/dip2 --probe

About 4 minutes for each training on two CPU cores. Expect a test ELBO of −56.8 ± 0.9 nats, a MIG of 0.09 ± 0.05 and 7.3
active units (three seeds); for I −58.2 ± 0.2 nats, 0.03 ± 0.01 and 10. A VAE has −54.0 ± 0.2 nats and a MIG of 0.05 ±
0.02: three seeds do not tell II's MIG from it. configs/tc_vae.py has the same network and data. Source: Kumar et al.
2018 (arXiv 1711.00848), on our own data.
"""

from aejax.config import Config
from configs import tc_vae


def get_config() -> Config:
    config = tc_vae.get_config()
    config.model.bound = "dip"
    config.model.dip = "codes"
    config.objective.beta = 1.0
    config.objective.dip_off_diagonal = 10.0
    config.objective.dip_diagonal = 10.0
    return config
