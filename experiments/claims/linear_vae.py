"""A linear VAE is probabilistic PCA: its ELBO becomes log p(x), and latents with eigenvalues below σ² collapse."""

from typing import Any

import numpy as np

from experiments.claims import Row, train
from experiments.claims._linear import float64, spectrum, train_full_batch

K = 5
COLLAPSED = 0.01  # nats; a latent is collapsed if its mean KL over rows is below this
SOURCE = "Lucas et al. 2019"


def measure(fast: bool) -> list[Row]:
    del fast  # exact on any data: the digits either way
    changes = {"model.latent_dim": K}
    [ppca] = train("ppca", changes | {"data.valid_fraction": 0.0})
    [vae] = train_full_batch("linear_vae", 9000, 3e-2, changes)
    axes = spectrum(vae)
    params, fitted = float64(vae.params), float64(ppca.params)
    log_p = exact_log_p(axes.x, fitted["mean"], fitted["factors"], np.exp(fitted["logvar"]))
    elbo, _ = analytic_elbo(axes.x, params, np.exp(params["likelihood"]["logvar"]))
    noise = axes.values[K:].mean()
    variance = np.exp(params["likelihood"]["logvar"])
    rows = [
        Row(f"ELBO of training rows, k = {K}, against log p(x) of pPCA (nats)", log_p, elbo, 1e-3, SOURCE),
        Row(
            "σ² of the VAE: the mean of the discarded eigenvalues",
            noise,
            np.exp(params["likelihood"]["logvar"]),
            1e-4,
            SOURCE,
        ),
        Row("σ² of pPCA in closed form", noise, np.exp(fitted["logvar"]), 1e-6, "Tipping & Bishop 1999, eq. 8"),
        Row("pPCA: exact −log p(x) of test rows (nats)", test_nll(vae, fitted), ppca.metrics["nll"], 1e-3, "float64"),
    ]
    # Up to a constant, −ELBO at σ² = 1 and weight β is β times −ELBO at σ² = β: one program sweeps β instead of σ².
    fixed = {"model.latent_dim": K + 1, "model.learn_variance": False, "model.variance": 1.0}
    for outcome in train_full_batch("linear_vae", 3000, 5e-2, fixed, "objective.beta=0.33,0.6"):
        variance = outcome.swept["objective.beta"]
        _, kl = analytic_elbo(axes.x, float64(outcome.params), variance)
        alive = (axes.values[: K + 1] > variance).sum()
        rows.append(Row(f"σ² = {variance}: latents that do not collapse", alive, (kl > COLLAPSED).sum(), 0.0, SOURCE))
    return rows


def analytic_elbo(x: np.ndarray, params: Any, variance: float) -> tuple[float, np.ndarray]:
    """The ELBO of a linear VAE without sampling, mean over rows, and the KL of every latent [k]: nats."""
    encoder, decoder = (params[name]["Dense_0"] for name in ("encoder", "decoder"))
    mean, log_sigma = np.split(x @ encoder["kernel"] + encoder["bias"], 2, axis=1)
    posterior_variance = np.exp(2 * log_sigma)
    residual = np.square(x - mean @ decoder["kernel"] - decoder["bias"]).sum(axis=1)
    spread = posterior_variance @ np.square(decoder["kernel"]).sum(axis=1)  # E‖W(z − mean)‖² of a diagonal posterior
    log_likelihood = -0.5 * ((residual + spread) / variance + x.shape[1] * np.log(2 * np.pi * variance))
    kl = 0.5 * (np.square(mean) + posterior_variance - 2 * log_sigma - 1.0)
    return (log_likelihood - kl.sum(axis=1)).mean(), kl.mean(axis=0)


def exact_log_p(x: np.ndarray, mean: np.ndarray, factors: np.ndarray, variance: float) -> float:
    """The mean log N(x; mean, W Wᵀ + σ² I) over rows (Tipping & Bishop 1999, eq. 4, per row): nats."""
    covariance = factors @ factors.T + variance * np.eye(len(mean))
    quadratic = np.einsum("ni,ni->n", x - mean, np.linalg.solve(covariance, (x - mean).T).T)
    return -0.5 * (np.linalg.slogdet(2 * np.pi * covariance)[1] + quadratic.mean())


def test_nll(outcome: Any, fitted: Any) -> float:
    """−log p(x) of the test rows under fitted pPCA, with the full covariance: nats."""
    x = outcome.dataset.test["x"].reshape(-1, len(fitted["mean"])).astype(np.float64)
    return -exact_log_p(x, fitted["mean"], fitted["factors"], np.exp(fitted["logvar"]))
