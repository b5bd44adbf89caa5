"""What the HTML pages of all stages share: template, style, colors, inline plots and thumbnails."""
