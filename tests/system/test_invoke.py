"""Retries in place, for FunctionGraph, which delivers again only a few times."""

from tests.processes.emulator import Ims
from tests.processes.function import Serve, created


def test_invoke_retries_in_place(serve: Serve, ims: Ims) -> None:
    """On /invoke a retry is tried again in place while there is time; on other paths it never is."""
    function = serve(INVOKE_RETRY_SECONDS="30", EVENT_TIMEOUT="5")
    ims.fault(status=503, times=1)
    assert function.structured(created(ims.image()), "/invoke").status_code == 200
    ims.fault(status=503, times=1)
    assert function.structured(created(ims.image())).status_code == 503


def test_invoke_has_an_end(serve: Serve, ims: Ims) -> None:
    """A try that could not end in time does not begin; the answer is the retry that it is."""
    function = serve(INVOKE_RETRY_SECONDS="7", EVENT_TIMEOUT="5")
    ims.fault(status=503)
    image_id = ims.image()
    assert function.structured(created(image_id), "/invoke").status_code == 503
    assert len(ims.calls("PUT")) == 2
