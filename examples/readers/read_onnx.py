"""A picture classified by an exported ONNX file, without cifarlab: python read_onnx.py FILE.onnx PICTURE."""

import json
import sys

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

session = onnxruntime.InferenceSession(sys.argv[1])
about = json.loads(session.get_modelmeta().custom_metadata_map["cifarlab"])
height, width, channels = about["image_shape"]
picture = ImageOps.exif_transpose(Image.open(sys.argv[2])).convert("RGBA")
picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)  # what is transparent is white
square = ImageOps.fit(picture.convert("RGB" if channels == 3 else "L"), (width, height), Image.Resampling.BICUBIC)
pixels = np.asarray(square, np.uint8).reshape(1, height, width, channels)
(probabilities,) = session.run(["probabilities"], {"pixels": pixels})
print(about["class_names"][probabilities[0].argmax()], f"{probabilities[0].max():.4f}")
