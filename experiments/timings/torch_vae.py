"""The lecture's VAE in PyTorch, as pure functions of uint8 rows and of the noise ε."""

import math

import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]
from torch.nn import functional  # pyright: ignore[reportMissingImports]


class VAE(nn.Module):
    """784-512-20: encoder to mean and log σ, decoder to logits. Calling it returns the loss."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 2 * 20))
        self.decoder = nn.Sequential(nn.Linear(20, 512), nn.ReLU(), nn.Linear(512, 784))

    def forward(self, rows, epsilon):
        """−ELBO of rows [B, 784] with one draw of z: nats per example."""
        x = rows / 255
        mean, log_sigma = self.encoder(x).chunk(2, dim=-1)
        logits = self.decoder(mean + log_sigma.exp() * epsilon)
        reconstruction = functional.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        kl = 0.5 * (mean**2 + (2 * log_sigma).exp() - 2 * log_sigma - 1).sum()
        return (reconstruction + kl) / x.shape[0]


def log_weights(model: VAE, x, mean, log_sigma, epsilon):
    """log p(x, z) − log q(z|x) for the draws ε [S, B, 20] of rows x [B, 784]: nats, [S, B]."""
    z = mean + log_sigma.exp() * epsilon
    logits = model.decoder(z)
    log_likelihood = -functional.binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none").sum(-1)
    return log_likelihood + (0.5 * (epsilon**2 - z**2) + log_sigma).sum(-1)  # both densities have the same constant


def add(sums, log_w):
    """Streaming log-sum-exp: the sums (largest log w, Σ w / largest, Σ (w / largest)²) of rows, with more weights."""
    largest = torch.maximum(sums[0], log_w.amax(0))
    shrink, w = (sums[0] - largest).exp(), (log_w - largest).exp()
    return largest, sums[1] * shrink + w.sum(0), sums[2] * shrink**2 + (w**2).sum(0)


def log_mean(sums, num_samples: int):
    """log (1/S) Σ w of every row: nats."""
    return sums[0] + sums[1].log() - math.log(num_samples)


def adam(params, first, second, powers, gradients) -> None:
    """A step of Adam (rate 1e-3), in place, for dicts of tensors; `powers` holds b1ᵗ and b2ᵗ of the step before."""
    powers *= torch.tensor([0.9, 0.999])
    for name, gradient in gradients.items():
        first[name].lerp_(gradient, 0.1)
        second[name].lerp_(gradient.square(), 0.001)
        root = (second[name] / (1 - powers[1])).sqrt() + 1e-8
        params[name] -= 1e-3 * first[name] / (1 - powers[0]) / root
