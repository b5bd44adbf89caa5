from temper.infer.sources import SourceOptions, Url
from temper.infer.sources.kinds import DEFAULT_FPS


def test_private_addresses_are_refused_and_one_frame_a_second_is_taken_unless_chosen() -> None:
    assert SourceOptions() == SourceOptions(fps=DEFAULT_FPS, allow_private=False)
    assert not Url("http://example.org/a.jpg").allow_private


def test_the_name_of_a_url_is_its_address() -> None:
    assert str(Url("http://example.org/a.jpg")) == "http://example.org/a.jpg"
