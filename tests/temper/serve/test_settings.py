from temper.serve.settings import Settings


def test_only_loopback_is_local() -> None:
    assert Settings().is_local and Settings(host="::1").is_local
    assert not Settings(host="0.0.0.0").is_local
