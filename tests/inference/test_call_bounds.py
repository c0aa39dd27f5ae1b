"""What calling a network takes, against what is computed by hand, and hostile files that hide it from their layers."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from cifarlab.inference import onnx, prediction
from cifarlab.inference.call_bounds import bytes_a_picture, check_call, pictures_at_once
from cifarlab.inference.forward import compile_forward
from cifarlab.inference.keras_files import load_keras
from cifarlab.utils import limits
from cifarlab.utils.errors import CifarlabError

FLOAT = 4  # bytes
PICTURE = 8 * 8 * 3


def answer(inputs, x):
    """A network that ends in ten logits, whatever size it has in between."""
    return keras.Model(inputs, layers.Dense(10)(layers.GlobalMaxPooling2D()(x)))


def once(inputs):
    return answer(inputs, layers.UpSampling2D(4000)(inputs))


def twice(inputs):
    """Called twice, a layer has no one output to ask for."""
    enlarge, pool = layers.UpSampling2D(4000), layers.GlobalMaxPooling2D()
    return keras.Model(inputs, layers.Dense(10)(pool(enlarge(inputs)) + pool(enlarge(2.0 * inputs))))


def nested(inputs):
    return answer(inputs, keras.Sequential([keras.Input((8, 8, 3)), layers.UpSampling2D(4000)])(inputs))


def wrapped(inputs):
    rows = layers.TimeDistributed(layers.RepeatVector(10**8))(inputs[:, :, :, 0])
    return keras.Model(inputs, layers.Dense(10)(ops.max(rows, (1, 2))))


def operation(inputs):
    """No layer: an operation of `keras.ops`, which a file may hold as well."""
    return answer(inputs, ops.tile(inputs, (1, 4000, 4000, 1)))


def attention(inputs):
    """Its scores are the square of what it takes, and in no layer's output."""
    rows = layers.Reshape((64 * 256, 3))(layers.UpSampling2D(16)(inputs)[:, :128, :, :])
    return keras.Model(inputs, layers.Dense(10)(layers.GlobalMaxPooling1D()(layers.Attention()([rows, rows]))))


def branches(inputs):
    """Each is small; they are in memory all at once."""
    wide = [layers.GlobalMaxPooling2D()(layers.UpSampling2D(100 + number)(inputs)) for number in range(40)]
    return keras.Model(inputs, layers.Dense(10)(layers.Add()(wide)))


def padded(inputs):
    return answer(inputs, layers.ZeroPadding2D(15_000)(inputs))


def joined(inputs):
    x = inputs
    for _ in range(22):
        x = layers.Concatenate()([x, x])
    return answer(inputs, x)


HOSTILE = [once, twice, nested, wrapped, operation, attention, branches, padded, joined]


@pytest.mark.parametrize("make", HOSTILE)
def test_a_network_that_takes_gigabytes_is_refused_before_it_is_called(make, tmp_path):
    make(keras.Input((8, 8, 3))).save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match=r"takes [\d,]+ MiB of memory for each picture, expected at most 256 MiB"):
        load_keras(tmp_path / "model.keras")


def test_what_it_takes_is_what_is_in_memory_at_one_time():
    inputs = keras.Input((8, 8, 3))
    network = answer(inputs, layers.UpSampling2D(100)(inputs))
    large = PICTURE * 100**2 * FLOAT
    assert large <= bytes_a_picture(network) <= 2.1 * large


def test_weights_are_not_counted():
    inputs = keras.Input((8, 8, 3))
    network = keras.Model(inputs, layers.Dense(10)(layers.Dense(50_000)(layers.Flatten()(inputs))))  # 38 MB
    assert bytes_a_picture(network) < 3 * 50_000 * FLOAT


def test_the_limit_can_be_raised(monkeypatch):
    inputs = keras.Input((8, 8, 3))
    network = answer(inputs, layers.UpSampling2D(600)(inputs))
    with pytest.raises(ValueError, match=rf"set {limits.VARIABLE}=\d+ if you trust the file") as refused:
        check_call(network)
    monkeypatch.setenv(limits.VARIABLE, str(refused.value).partition("=")[2].split()[0])
    check_call(network)


def test_as_many_pictures_are_taken_at_once_as_fit():
    inputs = keras.Input((8, 8, 3))
    taken = []

    @keras.saving.register_keras_serializable("tests")
    class Noting(layers.Layer):
        def call(self, images):
            taken.append(images.shape[0])
            return images

    network = answer(inputs, layers.UpSampling2D(150)(Noting()(inputs)))
    images = np.random.default_rng(0).integers(0, 256, (100, 8, 8, 3), np.uint8)
    most = pictures_at_once(network)
    assert 50 < most < 100
    taken.clear()
    logits = compile_forward(network)(images)
    assert set(taken) == {most}
    pooled = images.max(axis=(1, 2)).astype(np.float32)
    kernel, bias = network.layers[-1].get_weights()
    np.testing.assert_allclose(logits, pooled @ kernel + bias, rtol=1e-4)
    assert not onnx.can_export(network)


def test_what_takes_no_pictures_is_refused_elsewhere():
    inputs = keras.Input((5,))
    assert bytes_a_picture(keras.Model(inputs, layers.Dense(2)(inputs))) == 0


def test_a_run_with_such_a_model_is_refused_in_one_line(make_run, tmp_path):
    run = make_run(tmp_path, "theirs")
    once(keras.Input((8, 8, 3))).save(run.model_file)
    with pytest.raises(CifarlabError, match=r"cannot load the model .* of memory for each picture.*if you trust"):
        prediction.load_model(run)
