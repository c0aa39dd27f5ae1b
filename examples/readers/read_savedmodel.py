"""A picture classified by an exported SavedModel, without cifarlab: python read_savedmodel.py FOLDER PICTURE."""

import json
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image, ImageOps

about = json.loads(Path(sys.argv[1], "assets.extra", "cifarlab.json").read_text(encoding="utf-8"))
loaded = tf.saved_model.load(sys.argv[1])  # keep it: its signature alone does not keep the weights
height, width, channels = about["image_shape"]
picture = ImageOps.exif_transpose(Image.open(sys.argv[2])).convert("RGBA")
picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)  # what is transparent is white
square = ImageOps.fit(picture.convert("RGB" if channels == 3 else "L"), (width, height), Image.Resampling.BICUBIC)
pixels = np.asarray(square, np.uint8).reshape(1, height, width, channels)
probabilities = loaded.signatures["serving_default"](tf.constant(pixels))["probabilities"].numpy()
print(about["class_names"][probabilities[0].argmax()], f"{probabilities[0].max():.4f}")
