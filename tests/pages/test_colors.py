from pages.colors import COLORS, LIGHT, css_variables


def test_all_colors_differ_in_both_schemes() -> None:
    assert len(set(LIGHT.values())) == len({dark for _, dark in COLORS.values()}) == len(COLORS)


def test_a_variable_has_a_color_in_each_scheme() -> None:
    light, dark = css_variables("svg").split("@media (prefers-color-scheme: dark)")
    for name, colors in COLORS.items():
        assert f"--{name}: {colors[0]};" in light
        assert f"--{name}: {colors[1]};" in dark
