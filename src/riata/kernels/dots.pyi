"""Nothing for Python; see dots.pxd."""
