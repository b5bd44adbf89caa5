from types import ModuleType

from temper.runners.trt.log import Log, make_logger


def test_errors_and_the_list_of_layers_are_stored() -> None:
    trt = ModuleType("tensorrt")
    trt.ILogger = type("ILogger", (), {"ERROR": 1, "INTERNAL_ERROR": 0})  # type: ignore[attr-defined]
    log = Log()
    assert log.reason == "it gives no reason"
    logger = make_logger(trt, log)
    for severity, message in ((3, "hello"), (4, "Layers:\nName: a"), (1, "out of memory.\nin file x"), (0, "later")):
        logger.log(severity, message)
    assert log.reason == "out of memory"
    assert log.layers == "Layers:\nName: a"
