"""Colors, font and resolution of all charts, as plain data: this file imports no plotting library."""

PANEL, INK, SOFT, RULE = "#ffffff", "#1d2126", "#5d6670", "#dcd9d0"
BLUE, GREEN, OLIVE, ORANGE, PURPLE, GRAY = "#2f6db3", "#2c8a4b", "#7a8a1e", "#c4481c", "#8a4fb0", "#77808a"
FONT_SIZE, SMALL_FONT_SIZE = 9.5, 8.0
PNG_DPI = 120
# For matplotlib.rc_context.
STYLE = {
    "font.size": FONT_SIZE,
    "figure.titlesize": FONT_SIZE,
    "axes.titlesize": FONT_SIZE,
    "svg.fonttype": "none",
    "svg.hashsalt": "temper",
    "text.color": INK,
    "axes.edgecolor": RULE,
    "axes.labelcolor": SOFT,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.parse_math": False,
}
