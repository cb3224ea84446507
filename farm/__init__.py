"""The domain of Layerline and what all its parts share."""
