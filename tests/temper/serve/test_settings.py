from temper.images import Decoding
from temper.serve.settings import Limits, Settings


def test_only_loopback_is_local() -> None:
    assert Settings().is_local and Settings(host="::1").is_local
    assert not Settings(host="0.0.0.0").is_local


def test_the_decoding_is_that_of_the_settings() -> None:
    assert Settings().decoding == Decoding()
    chosen = Settings(full_decode=True, limits=Limits(max_pixels=1000))
    assert chosen.decoding == Decoding(full=True, max_pixels=1000)
