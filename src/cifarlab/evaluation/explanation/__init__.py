"""One image, explained: saliency, neighbours, the smallest change of its class, its label's rank."""
