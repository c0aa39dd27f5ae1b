"""Trains on one virtual device and on four, in a process of its own: `python several_devices.py SETTING...`.

Prints `equal` where losses are the same to 1e-5, and weights to a hundredth of their norm. The number of devices has to
be fixed before JAX is loaded. The images are noise: in the digits many neighbours are equal, and which of them a
pooling layer takes, and so where a gradient goes, is decided by rounding, which differs with the size of a part.
"""

import os
import sys
import tempfile

DEVICES = 4
TOLERANCE = 1e-5


def main() -> None:
    """Train twice and compare."""
    os.environ |= {
        "KERAS_BACKEND": "jax",
        "CUDA_VISIBLE_DEVICES": "",
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={DEVICES}",
    }
    import numpy as np

    from cifarlab import training
    from cifarlab.training.checkpoint import load_checkpoint
    from cifarlab.training.engines import engine_class

    seen = watch(engine_class())
    with tempfile.TemporaryDirectory() as folder:
        settings = ["epochs=2", "batch_size=100", *sys.argv[1:]]
        common = {"settings": settings, "splits": noisy_splits(), "runs_dir": folder, "show": False}
        one, four = (training.train("smoke", name=str(n), devices=n, **common) for n in (1, DEVICES))
        assert four.environment["devices"] == DEVICES
        assert "devices" not in one.environment
        assert f"--devices {DEVICES}" in four.command
        for ours, others in zip(four.history(), one.history(), strict=True):
            for key in ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy"):
                np.testing.assert_allclose(ours[key], others[key], rtol=TOLERANCE, atol=TOLERANCE, err_msg=key)
        models = [load_checkpoint(run).best for run in (four, one)]
        for number, (ours, others) in enumerate(zip(*models, strict=True)):
            distance = np.linalg.norm(ours.astype(float) - others)
            assert distance <= 1e-2 * np.linalg.norm(others) + 1e-3, (number, distance)
    assert set(seen) == {(devices, 100 // devices, devices, True, devices > 1) for devices in (1, DEVICES)}, seen
    print("equal")


def noisy_splits():
    """Ten shades of noise, 16 x 16; the validation images do not divide into equal parts."""
    import numpy as np

    from cifarlab.datasets import ImageSet, Source, Splits

    generator, names = np.random.default_rng(0), tuple("abcdefghij")

    def noise(name, count):
        labels = np.arange(count) % len(names)
        images = generator.integers(0, 128, (count, 16, 16, 3)) + 12 * labels[:, None, None, None]
        ids = np.array([f"{name}-{number}" for number in range(count)])
        return ImageSet(images.astype(np.uint8), labels, ids, names)

    source = Source("noise", "here", "made")
    return Splits(noise("train", 600), noise("validation", 202), noise("test", 10), source)


def watch(engine):
    """Of each call of the steps: devices and images a device, on how many the weights lie, whether all whole, and
    whether the program adds up over devices."""
    seen, begin = [], engine.__init__

    def watched(self, *arguments, **settings):
        begin(self, *arguments, **settings)
        compiled, programs = self._run, {}

        def run(*values):
            if not programs:
                programs["text"] = compiled.lower(*values).compile().as_text()
            state, (losses, rights) = compiled(*values)
            split, weights = losses.sharding, [weight.sharding for group in state for weight in group]
            assert rights.sharding == split
            seen.append(
                (
                    len(split.device_set),
                    split.shard_shape(losses.shape)[1],
                    *{len(each.device_set) for each in weights},
                    all(each.is_fully_replicated for each in weights),
                    "all-reduce" in programs["text"],
                )
            )
            return state, (losses, rights)

        self._run = run

    engine.__init__ = watched
    return seen


if __name__ == "__main__":
    main()
