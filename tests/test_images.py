"""Pictures of images: exact pixels, one grey scale, and a grid that grows upwards."""

# matplotlib's stubs know an artist's data only as a union of all array-likes
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportIndexIssue=false
# pyright: reportOperatorIssue=false, reportOptionalMemberAccess=false, reportOptionalOperand=false
# pyright: reportOptionalSubscript=false

import numpy as np
import pytest

from aejax.reports import figures
from aejax.reports.figures import images
from tests.panels import RNG, pictures, pixels


def test_a_tile_is_its_image_pixel_by_pixel(tmp_path):
    x = RNG.integers(0, 256, (6, 8, 8, 1)).astype(np.uint8)
    figures.save(tmp_path / "a.png", figures.draw_tiles([("", x / np.float32(255))], columns=3))
    page = pixels(tmp_path / "a.png")[..., 0]
    scale = 8  # 64 pixels a tile
    block = np.full((2 * 66 - 2, 3 * 66 - 2), 255, np.uint8)
    for i, image in enumerate(x[..., 0]):
        row, column = divmod(i, 3)
        block[row * 66 :, column * 66 :][:64, :64] = image.repeat(scale, 0).repeat(scale, 1)
    windows = np.lib.stride_tricks.sliding_window_view(page, block.shape)
    starts = np.argwhere((windows[..., 0, :64] == block[0, :64]).all(axis=-1))
    assert any((windows[top, left] == block).all() for top, left in starts)


def test_each_row_of_reconstructions_is_one_strip_with_its_label():
    x = pictures(5)
    figure = figures.draw_reconstructions(x, [(f"β = {b}", x) for b in (1, 4, 10)], x_tilde=x)
    labels = [axes.get_ylabel().replace("\u00a0", " ") for axes in figure.axes]
    assert labels == ["original", "corrupted", "β = 1", "β = 4", "β = 10"]
    strips = [axes.images[0].get_array() for axes in figure.axes]
    assert all((strip == strips[0]).all() for strip in strips)


def test_grey_is_on_one_scale_clipped_and_marks_what_is_not_finite():
    x = np.array([-1.0, 0.0, 0.5, 1.0, 2.0, np.nan]).reshape(6, 1, 1, 1)
    grey = images.to_bytes(x, (0.0, 1.0))[:, 0, 0]
    assert grey[:5, 0].tolist() == [0, 0, 128, 255, 255] and grey[5].tolist() == list(images.NOT_FINITE)
    with pytest.raises(ValueError, match="not 4"):
        images.to_bytes(np.zeros((1, 2, 2, 4)), (0.0, 1.0))


def test_the_latent_grid_grows_to_the_right_and_upwards():
    z1, z2 = np.array([-1.0, 0.0, 1.0]), np.array([10.0, 20.0])
    grid = figures.grid_codes(z1, z2)
    assert grid[:4].tolist() == [[-1, 10], [0, 10], [1, 10], [-1, 20]]
    brightness = ((grid[:, 0] + 1) / 4 + (grid[:, 1] - 10) / 20).reshape(6, 1, 1, 1)
    brightness = np.broadcast_to(brightness, (6, 32, 32, 1))
    axes = figures.draw_latent_grid([("", brightness, z1, z2)]).axes[0]
    picture = axes.images[0].get_array()[..., 0].astype(int)
    assert (np.diff(picture, axis=1) >= 0).all() and (np.diff(picture, axis=0) <= 0).all()
    assert [label.get_text() for label in axes.get_xticklabels()] == ["−1", "0", "1"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["10", "20"]
    assert np.allclose(axes.get_yticks(), [1.5 * 64 - 0.5, 0.5 * 64 - 0.5])


@pytest.mark.parametrize("label", ["β = 1", "code_activation = relu, selection = top_k, λ = 1"])
def test_captions_touch_neither_the_title_nor_other_blocks(label):
    figure = figures.draw_tiles([(label, pictures(16))] * 8, columns=4)
    title, captions = figure.get_suptitle(), [axes.title.get_window_extent() for axes in figure.axes]
    assert title and figure._suptitle.get_window_extent().y0 > max(box.y1 for box in captions)
    blocks = [axes.get_window_extent() for axes in figure.axes]
    assert all(caption.y1 < block.y0 for caption, block in zip(captions[4:], blocks, strict=False))


@pytest.mark.parametrize("size", [8, 28])
def test_three_grids_stand_in_a_row_and_small_tiles_have_gaps(size):
    z = np.linspace(-1.95, 1.95, 20, dtype=np.float32)
    black = np.zeros((400, size, size, 1), np.float32)
    with figures.styled():
        figure = figures.draw_latent_grid([(f"β = {b}", black, z, z) for b in (1, 4, 10)])
        figure.draw_without_rendering()
    panels, names = figure.axes, [axes.yaxis.label.get_window_extent() for axes in figure.axes]
    assert len({axes.get_position().y0 for axes in panels}) == 1
    assert all(name.x0 > axes.get_window_extent().x1 for axes, name in zip(panels, names[1:], strict=False))
    white = (panels[0].images[0].get_array()[..., 0] == 255).all(axis=1)
    assert white.any() == (size == 8)
    assert not white[np.rint(panels[0].get_yticks()).astype(int)].any()  # a tick is at the middle of a tile
