"""A picture classified by an exported LiteRT file, without cifarlab: python read_litert.py FILE.tflite PICTURE."""

import json
import sys
import zipfile

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image, ImageOps

about = json.loads(zipfile.ZipFile(sys.argv[1]).read("cifarlab.json"))
interpreter = Interpreter(sys.argv[1])
height, width, channels = about["image_shape"]
picture = ImageOps.exif_transpose(Image.open(sys.argv[2])).convert("RGBA")
picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)  # what is transparent is white
square = ImageOps.fit(picture.convert("RGB" if channels == 3 else "L"), (width, height), Image.Resampling.BICUBIC)
pixels = np.asarray(square, np.uint8).reshape(1, height, width, channels)
probabilities = interpreter.get_signature_runner()(pixels=pixels)["probabilities"]
print(about["class_names"][probabilities[0].argmax()], f"{probabilities[0].max():.4f}")
