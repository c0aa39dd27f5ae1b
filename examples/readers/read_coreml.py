"""A picture classified by an exported Core ML package, without cifarlab: python read_coreml.py FOLDER PICTURE."""

import json
import sys

import coremltools
import numpy as np
from PIL import Image, ImageOps

model = coremltools.models.MLModel(sys.argv[1])
about = json.loads(model.user_defined_metadata["cifarlab"])
height, width, channels = about["image_shape"]
picture = ImageOps.exif_transpose(Image.open(sys.argv[2])).convert("RGBA")
picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)  # what is transparent is white
square = ImageOps.fit(picture.convert("RGB" if channels == 3 else "L"), (width, height), Image.Resampling.BICUBIC)
pixels = np.asarray(square, np.uint8).reshape(1, height, width, channels)
probabilities = model.predict({"pixels": pixels.astype(np.float32)})["probabilities"]
print(about["class_names"][probabilities[0].argmax()], f"{probabilities[0].max():.4f}")
