"""Fashion-MNIST: 60,000 training and 10,000 test pictures of clothes, 28 x 28 pixels, grey.

Source: H. Xiao, K. Rasul, R. Vollgraf, arXiv:1708.07747. The checksums are those of its own repository; Keras has none.
"""

from cifarlab.datasets._keras_sets import KerasSet

IMAGE_SHAPE = (28, 28, 1)
CLASS_NAMES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")

_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/train-labels-idx1-ubyte.gz"
_FILES = {
    "fashion-mnist/train-labels-idx1-ubyte.gz": "md5:25c81989df183df01b3e8a0aad5dffbe",
    "fashion-mnist/train-images-idx3-ubyte.gz": "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "fashion-mnist/t10k-labels-idx1-ubyte.gz": "md5:bb300cfdad3c16e7a12a480ee83cd310",
    "fashion-mnist/t10k-images-idx3-ubyte.gz": "md5:bef4ecab320f06d8554ea6380940ec79",
}

load = KerasSet("fashion_mnist", CLASS_NAMES, _URL, _FILES)
