"""A picture classified by the network of an exported page, without cifarlab: python read_web.py FOLDER PICTURE."""

import base64
import gzip
import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

text = (Path(sys.argv[1]) / "network.js").read_text(encoding="utf-8")
model = json.loads(text.removeprefix("const MODEL = ").rstrip().removesuffix(";"))
session = onnxruntime.InferenceSession(gzip.decompress(base64.b64decode(model["network"])))
height, width, channels = model["about"]["image_shape"]
picture = ImageOps.exif_transpose(Image.open(sys.argv[2])).convert("RGBA")
picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)  # what is transparent is white
square = ImageOps.fit(picture.convert("RGB" if channels == 3 else "L"), (width, height), Image.Resampling.BICUBIC)
pixels = np.asarray(square, np.uint8).reshape(1, height, width, channels)
(probabilities,) = session.run(["probabilities"], {"pixels": pixels})
print(model["about"]["class_names"][probabilities[0].argmax()], f"{probabilities[0].max():.4f}")
