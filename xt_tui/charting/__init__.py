"""What the metrics pane shows, apart from its widgets: points, curves, colours, ranges."""
