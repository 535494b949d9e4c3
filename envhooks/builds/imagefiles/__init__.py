"""Images read without running anything: manifests, layers, and the Python environments that they hold."""
