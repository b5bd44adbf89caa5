"""The colors of pages and of the plots on them, as CSS variables that follow the reader's light or dark scheme."""

from temper.cli import plot_style

# Names of CSS variables: the color in the light scheme (and in PNG files), and in the dark one.
COLORS = {
    "panel": (plot_style.PANEL, "#1d2126"),
    "ink": (plot_style.INK, "#e7e9ec"),
    "soft": (plot_style.SOFT, "#9aa4af"),
    "rule": (plot_style.RULE, "#363c44"),
    "gray": (plot_style.GRAY, "#98a1ab"),
    "blue": (plot_style.BLUE, "#74aef0"),
    "green": (plot_style.GREEN, "#6ccb8d"),
    "olive": (plot_style.OLIVE, "#c3d15c"),
    "orange": (plot_style.ORANGE, "#f58a5f"),
    "purple": (plot_style.PURPLE, "#c79be6"),
}
LIGHT = {name: light for name, (light, _) in COLORS.items()}


def css_variables(selector: str) -> str:
    """CSS that defines the colors, in both schemes."""
    light, dark = (" ".join(f"--{name}: {pair[i]};" for name, pair in COLORS.items()) for i in (0, 1))
    return f"{selector} {{ {light} }} @media (prefers-color-scheme: dark) {{ {selector} {{ {dark} }} }}"
