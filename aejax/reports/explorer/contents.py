"""What a page draws, as JSON: its arrays are places in a blob."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from aejax.data.types import Spec, spread
from aejax.reports.explorer.blob import Blob, rounded
from aejax.reports.explorer.members import Choice, Shown
from aejax.reports.figures import latent, style
from aejax.reports.settings import setting_name
from aejax.reports.views import MOST_ROWS, shown_rows

MOST_POINTS = 3000  # codes on the map
CODE_BYTES, GRID_BYTES = 800_000, 1_000_000  # of all codes and grids, before deflating
SIDES = (7, 25)  # the least and the most decoded points along a side of a grid
MOST_BARS = 24
CODE_BITS = 11  # of a code's mantissa: a relative error of 0.0002, far less than a pixel of the map


def describe(title: str, choice: Choice, notes: list[str], blob: Blob) -> dict[str, Any]:
    """The run, its test rows and the members of a choice; `notes` are what the page leaves out."""
    first = choice.members[0]
    group, spec = first.view.group, first.view.group.dataset.spec
    test, total = group.dataset.test, group.dataset.test["x"].shape[0]
    units = sum(one.view.codes.shape[1] for one in choice.members)
    points = min(total, MOST_POINTS, max(100, CODE_BYTES // (4 * units)))
    as_bytes = spec.kind == "image" and spec.bounded
    rows = min(points, max(10, choice.row_bytes // (spec.mean.size * (1 if as_bytes else 4))))
    order = rows_first(len(first.view.codes), points, rows)
    numbers = spread(total, MOST_ROWS)[order]  # of these rows in the test set
    x, y = (None if values is None else values[order] for values in shown_rows(group))
    assert x is not None
    x = in_data_units(x.reshape(points, -1), spec)
    ids = group.dataset.ids["test"] if "test" in group.dataset.ids else np.arange(total).astype(str)
    swept, settings = list(first.member.setting), list(dict.fromkeys(map(setting_of, choice.members)))
    place = {"setting": settings.index, "grid": grid_side(choice, spec)}
    return {
        "title": title,
        "about": f"{group.config.model.name} on {group.config.data.name}",
        "notes": notes + row_notes(points, rows, total, spec),
        "kind": spec.kind,
        "shape": spec.shape,
        "center": None if spec.center is None else blob.add(spec.center.ravel()),
        "spread": None if spec.spread is None else blob.add(spec.spread.ravel()),
        "range": [0.0, 1.0] if spec.bounded else np.percentile(x, [0.5, 99.5]).tolist(),
        "bars": bars(first, x, spec) if spec.kind == "table" else [],
        **({"labels": None, "classes": []} if y is None else describe_labels(y, rows, spec, blob)),
        "scale": style.hex_names(style.SEQUENTIAL(np.linspace(0.0, 1.0, 64))),
        "points": points,
        "rows": blob.add(np.round(x[:rows] * 255.0) if as_bytes else x[:rows], "u8" if as_bytes else "f32"),
        "ids": ids[numbers[:rows]].tolist(),
        "conditions": [condition._asdict() for condition in spec.conditions],
        "c": blob.add(test["c"][numbers]) if spec.conditions else None,
        "prior": has_standard_prior(first),
        "setting": setting_name({swept[0]: ""}).rstrip(" =") if len(swept) == 1 else "setting",
        "settings": settings,
        "members": [describe_member(one, choice, order, place, blob) for one in choice.members],
    }


def rows_first(total: int, points: int, rows: int) -> np.ndarray:
    """The places of `points` codes of `total`, spread evenly; first `rows` of them, also spread evenly."""
    first = spread(points, rows)
    return spread(total, points)[np.concatenate([first, np.setdiff1d(np.arange(points), first)])]


def setting_of(shown: Shown) -> str:
    """The swept values of a member, without its seed."""
    return setting_name(shown.member.setting)


def in_data_units(x: np.ndarray, spec: Spec) -> np.ndarray:
    """Rows [N, features] as the data have them."""
    return x if spec.center is None else x * spec.spread.ravel() + spec.center.ravel()  # pyright: ignore


def row_notes(points: int, rows: int, total: int, spec: Spec) -> list[str]:
    """What of the test rows is missing, and under which conditions codes are decoded."""
    notes = [f"The map shows {points:,} of {total:,} test rows, spread evenly."] if points < total else []
    if rows < points:
        notes.append(f"Of {rows:,} test rows the values are here, too: only these can be looked at.")
    if spec.kind == "image" and spec.shape[-1] not in (1, 3):
        notes.append(f"Of {spec.shape[-1]} channels, the first is drawn.")
    return notes


def describe_labels(y: np.ndarray, rows: int, spec: Spec, blob: Blob) -> dict[str, Any]:
    """The points' labels: numbers with the range of their colors, or classes, the rarest as one if there are many."""
    if y.dtype.kind == "f":
        return {"labels": blob.add(y), "labelRange": np.percentile(y, [1, 99]).tolist(), "classes": []}
    names = spec.class_names or [str(number) for number in range(int(y.max(initial=0)) + 1)]
    [(_, _, few)], shown, _ = latent.with_few_classes([("", np.zeros((len(y), 2)), y)], names, "")
    return {
        "labels": None if few is None else blob.add(few),
        "classes": [] if few is None else classes(shown),
        "rowLabels": [names[code] for code in y[:rows]],
    }


def classes(names: Sequence[str]) -> list[dict[str, str]]:
    """The name of each class and its colors on a light and a dark page."""
    light, dark = (style.hex_names(latent.colors_of(names, dark)) for dark in (False, True))
    return [{"name": name, "light": one, "dark": other} for name, one, other in zip(names, light, dark, strict=True)]


def bars(shown: Shown, x: np.ndarray, spec: Spec) -> list[dict[str, Any]]:
    """The features of a table that are drawn, each with the ends and the base of its bar, in data units.

    If there are too many, these are the ones that vary most in the reconstructions.
    """
    names = spec.feature_names or [f"feature {number}" for number in range(spec.mean.size)]
    chosen = np.arange(spec.mean.size)
    if len(chosen) > MOST_BARS:
        x_hat = shown.view.reconstruct(min(len(x), 500))
        chosen = np.sort(np.argsort(-x_hat.reshape(len(x_hat), -1).std(axis=0), kind="stable")[:MOST_BARS])
    low, high = np.percentile(x[:, chosen], [1, 99], axis=0)
    mean = (spec.mean if spec.center is None else spec.center).ravel()[chosen]
    base = np.zeros(len(chosen)) if spec.support != "real" else mean
    reach = np.maximum(np.maximum(np.abs(low - base), np.abs(high - base)), 1e-12)
    signed = spec.support in ("real", "mixed")
    return [
        {"feature": int(feature), "name": str(names[feature]), "base": float(b), "reach": float(r), "signed": signed}
        for feature, b, r in zip(chosen, base, reach, strict=True)
    ]


def has_standard_prior(shown: Shown) -> bool:
    """Whether p(z) = N(0, I)."""
    config = shown.view.group.config.model
    return config.name == "ppca" or (config.name == "vae" and config.prior == "standard_normal")


def grid_side(choice: Choice, spec: Spec) -> int:
    """The decoded points along a side of each grid."""
    grids = max(1, len(choice.members) - len(choice.decoders))
    return int(np.clip((GRID_BYTES / (grids * spec.mean.size)) ** 0.5, *SIDES))


def describe_member(
    shown: Shown, choice: Choice, order: np.ndarray, place: dict[str, Any], blob: Blob
) -> dict[str, Any]:
    """A member: its place in the sweep, its metrics, its codes, and its decoder or a grid of decoded points."""
    codes = shown.view.codes
    mean, axes = principal(codes)
    has_decoder = shown.member.index in choice.decoders
    return {
        "number": shown.member.index,
        "setting": place["setting"](setting_of(shown)),
        "seed": shown.member.row["seed"],
        "status": shown.metrics["status"],
        "kl": shown.metrics.get("kl"),
        "reconstruction": shown.metrics.get("reconstruction"),
        "units": shown.units.tolist(),
        "strength": [float(value) for value in shown.strength],
        "measure": shown.measure,
        "mean": mean.tolist(),
        "axes": axes.tolist(),
        "codes": blob.add(rounded(codes[order], CODE_BITS)),
        "decoder": describe_decoder(shown, blob) if has_decoder else None,
        "grid": None if has_decoder else describe_grid(shown, place["grid"], blob),
    }


def principal(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean [K] of codes [N, K] and their first principal directions [at most 2, K], the largest entry positive."""
    mean = codes.mean(axis=0, dtype=np.float64)
    axes = np.linalg.svd(codes - mean, full_matrices=False)[2][:2]
    return mean, axes * np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]


def describe_decoder(shown: Shown, blob: Blob) -> dict[str, Any]:
    """The layers of a decoder."""
    assert shown.decoder
    return {
        "layers": [
            {
                "kind": layer.kind,
                "activation": layer.activation,
                "shape": layer.shape,
                "arrays": {name: blob.add(array) for name, array in layer.arrays.items()},
            }
            for layer in shown.decoder.layers
        ],
        "link": [link._asdict() for link in shown.decoder.link],
    }


def describe_grid(shown: Shown, side: int, blob: Blob) -> dict[str, Any]:
    """Decoded points over the plane of the two strongest units (or the one unit), the other units at their means.

    The values are bytes between each feature's least and largest.
    """
    codes, units = shown.view.codes, shown.units[:2]
    low, high = np.percentile(codes[:, units], [0.5, 99.5], axis=0)
    low, high = low - 0.1 * (high - low), high + 0.1 * (high - low)
    steps = [np.linspace(a, b, side) for a, b in zip(low, high, strict=True)]
    plane = np.stack([axis.ravel() for axis in np.meshgrid(*steps, indexing="ij")], axis=1)
    z = np.repeat(codes.mean(axis=0)[None], len(plane), axis=0)
    z[:, units] = plane
    spec = shown.view.group.dataset.spec
    x = in_data_units(shown.view.decode(z.astype(np.float32)).reshape(len(z), -1), spec)
    least, reach = x.min(axis=0), np.ptp(x, axis=0)
    values = np.round((x - least) / np.where(reach > 0, reach, 1.0) * 255.0)
    return {
        "side": side,
        "low": low.tolist(),
        "high": high.tolist(),
        "values": blob.add(values, "u8"),
        "least": blob.add(least),
        "reach": blob.add(reach),
    }
