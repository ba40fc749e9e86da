"""Pictures of results: boxes, bars, heatmaps, hidden faces; a result goes in, a new image out.

Pure drawing on arrays with OpenCV; nothing here reads clocks, windows or files. The runner calls
`Composer` when a sink wants the annotated picture.
"""
