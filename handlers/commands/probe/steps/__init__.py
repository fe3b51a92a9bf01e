"""The steps of the probe: `table` lists them, the other modules run them."""
