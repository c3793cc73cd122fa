"""A VAE whose posterior is two inverse autoregressive flows on two latent units, conditioned on x by a context.

    python -m experiments.train --config=configs/iaf_vae.py --workdir=runs/iaf_vae --sweep seed=0:3
    python -m experiments.evaluate --workdir=runs/iaf_vae --num_samples=1000

On the digits about 2 minutes on two CPU cores. Expect a test ELBO of −24.39 ± 0.06 nats and a −log p(x) of 24.07 ± 0.06
nats (three seeds); without flows (--config.model.num_flows=0) −24.55 ± 0.10 and 24.12 ± 0.09 nats. docs/results.md has
MNIST. Source: Kingma et al. 2016 (arXiv 1606.04934), algorithm 1.
"""

from aejax.config import Config
from configs import flow_vae


def get_config() -> Config:
    config = flow_vae.get_config()
    config.model.posterior = "iaf"
    config.model.num_flows = 2
    return config
