"""A picture classified by an exported OpenVINO folder, without cifarlab: python read_openvino.py FOLDER PICTURE."""

import json
import sys

import numpy as np
import openvino
from PIL import Image, ImageOps

model = openvino.Core().read_model(f"{sys.argv[1]}/model.xml")
about = json.loads(model.get_rt_info(["cifarlab"]).astype(str))
height, width, channels = about["image_shape"]
picture = ImageOps.exif_transpose(Image.open(sys.argv[2])).convert("RGBA")
picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)  # what is transparent is white
square = ImageOps.fit(picture.convert("RGB" if channels == 3 else "L"), (width, height), Image.Resampling.BICUBIC)
pixels = np.asarray(square, np.uint8).reshape(1, height, width, channels)
probabilities = openvino.compile_model(model, "CPU")(pixels)["probabilities"]
print(about["class_names"][probabilities[0].argmax()], f"{probabilities[0].max():.4f}")
