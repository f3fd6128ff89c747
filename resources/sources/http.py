"""One HTTP conversation with a source: its client, its retries, and what its answers mean.

Belongs here: sending a request until there is a JSON answer or a failure. Keep out: pages and records
(``rest``). The token is in a header only and is cut out of everything that is shown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
import tenacity

from data_contracts.model import TableContract
from resources.failures import PermanentFailure, SourceFailure, TransientFailure
from resources.sources.base import Source, scrub
from resources.sources.transport import End, RestTransport

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_WORTH_RETRYING = (408, 425, 429)
# What a failure code of a body means where the contract does not say: by its first digits.
_CODE_MEANINGS = (("401", "token"), ("403", "token"), ("429", "transient"), ("5", "transient"))
_TOKEN_CODES = ("4001",)


_NO_END = End()


class PastTheEnd(Exception):
    """The source says that there is no such page: the list ended before it."""


class _TryError(Exception):
    """This try failed in a way that another may not; ``wait`` is what the source asked for, in seconds."""

    def __init__(self, failure: TransientFailure, wait: float | None = None) -> None:
        super().__init__(str(failure))
        self.failure = failure
        self.wait = wait


class Caller:
    """Sends requests of one extraction. A context manager: it owns the connection."""

    def __init__(self, source: Source, contract: TableContract, transport: RestTransport) -> None:
        self._source, self._contract, self._transport = source, contract, transport
        headers = {"Accept": "application/json", **self._authorisation()}
        # A proxy named by the environment is for the world outside, never for a server on this machine.
        beyond = urlsplit(source.url).hostname not in _LOOPBACK
        self._client = httpx.Client(headers=headers, timeout=source.timeout_seconds, trust_env=beyond)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def call(
        self, path: str, parameters: Mapping[str, object], where: str, end: End = _NO_END
    ) -> dict[str, Any]:
        """The JSON object at ``path``, tried as often as the source's policy says.

        Raises :class:`PastTheEnd` on an answer that ``end`` names.
        """
        policy = self._source.retry
        backoff = tenacity.wait_exponential_jitter(
            multiplier=policy.first_seconds, max=policy.longest_seconds, jitter=policy.first_seconds
        )

        def wait(state: tenacity.RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = error.wait if isinstance(error, _TryError) else None
            return backoff(state) if asked is None else asked

        tries = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_TryError),
            stop=tenacity.stop_after_attempt(policy.attempts),
            wait=wait,
            reraise=True,
        )
        try:
            return tries(self._once, path, parameters, where, end)
        except _TryError as error:
            failure = error.failure
            cause = f"{failure.cause}; tried {policy.attempts} times"
            raise self.failure(TransientFailure, where, cause, failure.cure) from None

    def failure(self, kind: type[SourceFailure], where: str, cause: str, cure: str) -> SourceFailure:
        """A failure of this source and table, without the token in it."""
        return kind(
            system=self._source.name,
            table=self._contract.name,
            where=where,
            cause=scrub(cause, self._source.token),
            cure=cure,
        )

    def _once(self, path: str, parameters: Mapping[str, object], where: str, end: End) -> dict[str, Any]:
        url = self._source.url.rstrip("/") + path
        try:
            if self._transport.method == "GET":
                response = self._client.get(url, params={k: str(v) for k, v in parameters.items()})
            else:
                response = self._client.post(url, json=parameters)
        except httpx.TimeoutException as error:
            cause = f"no answer within {self._source.timeout_seconds:g} s"
            raise self._again(where, cause, "run again later, or raise the time-out") from error
        except httpx.TransportError as error:
            cause = f"nobody answers there ({error})"
            raise self._again(where, cause, "check address and port, and that the system runs") from error
        except httpx.InvalidURL as error:
            raise self.failure(
                PermanentFailure, where, f"not an address ({error})", "correct its URL"
            ) from None
        if response.status_code in end.status:
            raise PastTheEnd
        self._check_status(response, where)
        body = self._parsed(response, where)
        self._check_code(body, where, end)
        return body

    def _check_status(self, response: httpx.Response, where: str) -> None:
        status = response.status_code
        if status in _WORTH_RETRYING or status >= 500:
            wait = _retry_after(response)
            cure = "run again later; if it stays, see the log of the system"
            if wait is not None and wait > self._source.retry.patience_seconds:
                cause = f"HTTP {status}, it asks to wait {wait:.0f} s"
                raise self.failure(TransientFailure, where, cause, cure)
            raise self._again(where, f"HTTP {status}", cure, wait)
        if status in (401, 403):
            raise self._refused(where, f"HTTP {status}: the token is not accepted")
        if status != 200:
            cause = f"HTTP {status} {response.reason_phrase}: {response.text[:200]}"
            cure = "correct path and method in the contract, or name the status in transport.end if it ends the list"
            raise self.failure(PermanentFailure, where, cause, cure)

    def _parsed(self, response: httpx.Response, where: str) -> dict[str, Any]:
        try:
            body = json.loads(response.content, parse_float=Decimal, parse_constant=_no_number)
        except ValueError as error:
            kind = response.headers.get("content-type", "no content type")
            cause = f"the answer is not JSON ({error}; {kind})"
            raise self.failure(PermanentFailure, where, cause, "see what the system answers there") from None
        if not isinstance(body, dict):
            cause = f"the answer is a JSON {type(body).__name__}, not an object"
            raise self.failure(PermanentFailure, where, cause, "correct path in the contract")
        return body

    def _check_code(self, body: dict[str, Any], where: str, end: End) -> None:
        ok = self._transport.ok
        if ok is None:
            return
        code = at_path(body, ok.field)
        if code is None:
            cause = f"there is no field {ok.field} in the answer; it has {', '.join(sorted(body))}"
            raise self.failure(PermanentFailure, where, cause, "correct ok.field in the contract")
        if _code(code) == _code(ok.value):
            return
        if _code(code) in end.codes:
            raise PastTheEnd
        said = at_path(body, self._transport.message) if self._transport.message else None
        cause = f"code {_code(code)}: {said or 'no message'}"
        meaning = self._meaning(_code(code))
        if meaning == "token":
            raise self._refused(where, f"{cause} (the token is not accepted)")
        if meaning == "transient":
            raise self._again(where, cause, "run again later; if it stays, see the log of the system")
        cure = "correct the request in transport of the contract, or name the code in transport.end if it ends the list"
        raise self.failure(PermanentFailure, where, cause, cure)

    def _meaning(self, code: str) -> str:
        named = self._transport.codes.get(code)
        if named is not None:
            return named
        if code in _TOKEN_CODES:
            return "token"
        return next((meaning for start, meaning in _CODE_MEANINGS if code.startswith(start)), "permanent")

    def _authorisation(self) -> dict[str, str]:
        auth = self._transport.auth
        if auth is None:
            return {}
        if not self._source.token:
            raise self._refused(self._transport.path, "there is no token for this source")
        return {auth.header: auth.template.format(token=self._source.token)}

    def _refused(self, where: str, cause: str) -> SourceFailure:
        return self.failure(
            PermanentFailure, where, cause, "set the right token of this source in the settings"
        )

    def _again(self, where: str, cause: str, cure: str, wait: float | None = None) -> _TryError:
        failure = self.failure(TransientFailure, where, cause, cure)
        assert isinstance(failure, TransientFailure)
        return _TryError(failure, wait)


def at_path(value: Any, path: str) -> Any:
    """The value below dotted ``path``; None where it ends early."""
    for name in path.split("."):
        if not isinstance(value, dict) or name not in value:
            return None
        value = value[name]
    return value


def _code(value: Any) -> str:
    """A code as text, alike for what is alike in JSON: true is not 1, 0.0 is 0; and "0" is the code 0."""
    if isinstance(value, float | Decimal) and value == int(value):
        value = int(value)
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds a ``Retry-After`` header asks for, given as seconds or as a date; None without a valid one."""
    text = response.headers.get("retry-after", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _no_number(text: str) -> object:
    raise ValueError(f"{text} is not JSON")
