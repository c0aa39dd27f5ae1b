"""A picture classified by an exported torch program, without cifarlab: python read_torch.py FILE.pt2 PICTURE."""

import json
import sys

import numpy as np
import torch
from PIL import Image, ImageOps

extra = {"cifarlab.json": ""}
module = torch.export.load(sys.argv[1], extra_files=extra).module()  # open no file of somebody you do not trust
about = json.loads(extra["cifarlab.json"])
height, width, channels = about["image_shape"]
picture = ImageOps.exif_transpose(Image.open(sys.argv[2])).convert("RGBA")
picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)  # what is transparent is white
square = ImageOps.fit(picture.convert("RGB" if channels == 3 else "L"), (width, height), Image.Resampling.BICUBIC)
pixels = np.asarray(square, np.uint8).reshape(1, height, width, channels)
probabilities = module(torch.from_numpy(pixels))["probabilities"].numpy()
print(about["class_names"][probabilities[0].argmax()], f"{probabilities[0].max():.4f}")
