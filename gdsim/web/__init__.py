"""HTML output: self-contained pages that show an animation or a comparison."""
