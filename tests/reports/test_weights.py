import numpy as np
import pytest

from cifarlab.reports.weights import has_first_layer, read_first_layer
from cifarlab.utils.errors import CifarlabError


def test_first_kernel_is_read_as_pictures(fake_run, tmp_path) -> None:
    kernel = fake_run.write_model(tmp_path / "model.keras", (4, 5, 3), units=6)
    weights = read_first_layer(tmp_path / "model.keras")
    assert has_first_layer(tmp_path / "model.keras")
    assert weights is not None
    assert weights.shape == (6, 4, 5, 3)
    np.testing.assert_array_equal(weights[2].reshape(-1), kernel[:, 2])


def test_network_that_does_not_begin_dense_has_no_such_picture(fake_run, tmp_path) -> None:
    fake_run.write_model(tmp_path / "model.keras", (4, 5, 3), units=6, first="Conv2D")
    assert read_first_layer(tmp_path / "model.keras") is None
    assert not has_first_layer(tmp_path / "model.keras")


def test_weights_of_shuffled_pixels_are_put_back_to_their_pixels(fake_run, tmp_path) -> None:
    order = np.random.default_rng(0).permutation(20).tolist()
    kernel = fake_run.write_model(tmp_path / "model.keras", (4, 5, 3), units=6, order=order)
    weights = read_first_layer(tmp_path / "model.keras")
    assert weights is not None
    picture = np.random.default_rng(1).normal(size=(4, 5, 3))
    shuffled = picture.reshape(20, 3)[order]
    np.testing.assert_allclose((weights * picture).sum(axis=(1, 2, 3)), shuffled.reshape(-1) @ kernel, rtol=1e-4)


def test_an_order_that_is_none_is_one_clear_line(fake_run, tmp_path) -> None:
    fake_run.write_model(tmp_path / "model.keras", (4, 5, 3), units=6, order=[0] * 20)
    with pytest.raises(CifarlabError, match="its pixels are in no order"):
        read_first_layer(tmp_path / "model.keras")


def test_missing_file_is_one_clear_line(tmp_path) -> None:
    with pytest.raises(CifarlabError, match="cannot read the weights"):
        read_first_layer(tmp_path / "model.keras")
    assert not has_first_layer(tmp_path / "model.keras")


@pytest.mark.slow
def test_a_file_that_keras_wrote_is_read(tmp_path) -> None:
    from cifarlab.utils.environment import choose_backend

    choose_backend()
    from cifarlab.models import mlp

    model = mlp.build((4, 4, 3), 10, widths=(5, 7), dropout=0.1, input_dropout=0.1)
    model.save(tmp_path / "model.keras")
    weights = read_first_layer(tmp_path / "model.keras")
    kernel = np.asarray(model.get_layer("dense1").kernel)
    np.testing.assert_array_equal(weights, kernel.T.reshape(5, 4, 4, 3))
