"""What AWS and the network raise, as a Failure with a code of ours."""

from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from core.error_codes import ErrorCode
from core.failure import Failure

NETWORK_ERRORS = (BotoCoreError, aiohttp.ClientError, TimeoutError, ConnectionError)


@contextmanager
def failing_as(code: ErrorCode) -> Iterator[None]:
    """Turns every refusal and every broken connection inside into Failure(code).

    A call that was put together wrong (ParamValidationError) is our mistake and goes on as it is.
    """
    try:
        yield
    except ParamValidationError:
        raise
    except (ClientError, *NETWORK_ERRORS) as error:
        raise Failure(code, _detail(error)) from error


def aws_code(error: ClientError) -> str:
    """The last word of AWS's error code: `ReceiptHandleIsInvalid`, `NoSuchKey`, `404`, ..."""
    return str(error.response.get("Error", {}).get("Code", "")).rsplit(".", 1)[-1]


def _detail(error: Exception) -> str:
    # Never str(error) of a network error: it may hold the address that was asked for.
    if isinstance(error, ClientError):
        return f"{error.operation_name} refused: {aws_code(error)}"
    return type(error).__name__
