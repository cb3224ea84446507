"""The broker that `layerline up` starts: the machine's Mosquitto, or the one that comes along."""
