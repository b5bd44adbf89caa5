import asyncio
import time
from pathlib import Path

import pytest

from temper.images import Decoding
from temper.serve.decoding import Decoders
from temper.serve.http.errors import RequestError
from tests import tiny
from tests.temper.serve.serving import run_apart


def test_more_than_can_be_decoded_in_time_is_refused_at_once_and_the_rest_is_decoded(onnx: Path) -> None:
    body = (onnx.parent / "images" / "red" / "red000.png").read_bytes()

    async def scenario() -> None:
        decoders = Decoders(Decoding())
        # What a decoder of large photos has learned.
        decoders._seconds_per_image = 10.0
        started = time.monotonic()
        tasks = [decoders.decode(body, tiny.SIZE, started + 1.0) for _ in range(50 * decoders._threads)]
        results = await asyncio.gather(*tasks, return_exceptions=True)
        refused = [each for each in results if isinstance(each, RequestError)]
        assert {each.status for each in refused} == {503}
        assert len(refused) == 49 * decoders._threads
        assert all(each.shape == (tiny.SIZE, tiny.SIZE, 3) for each in results if not isinstance(each, BaseException))
        decoders.close()

    run_apart(scenario())


def test_what_waited_beyond_its_deadline_is_not_decoded() -> None:
    async def scenario() -> None:
        decoders = Decoders(Decoding())
        with pytest.raises(RequestError, match="deadline") as caught:
            await decoders.decode(b"no image, which nobody sees", tiny.SIZE, time.monotonic() - 1)
        assert caught.value.status == 504
        assert decoders._waiting == 0
        decoders.close()

    run_apart(scenario())
