"""POST to addresses that a person configured: webhooks, and the hub of our own feeds (`ports.Poster`).

Unlike what `http` fetches, these may be private: whoever writes the configuration is trusted, and a receiver beside the
daemon is the usual case. Everything else is as with strangers: no redirect is followed, no proxy used, whatever the
environment says, no cookie kept, nothing sent twice, and what is answered is read up to a bound and thrown away.
"""

import os

import aiohttp

from crawler.errors import Reason
from crawler.ports import Answered, Clock, Failed

SECONDS = 15.0          # the Standard Webhooks specification asks for 15 to 30
_READ = 16 * 1024       # bytes of an answer that are read, so that most receivers see their answer taken
_AT_ONCE = 16


class Outbox:
    """A session of aiohttp. Make it, and use it, inside one event loop."""

    def __init__(self, user_agent: str, clock: Clock, *, seconds: float = SECONDS) -> None:
        self._clock = clock
        self._seconds = seconds
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_AT_ONCE, force_close=True), cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False, auto_decompress=False, timeout=aiohttp.ClientTimeout(total=seconds),
            headers={"User-Agent": user_agent, "Accept-Encoding": "identity"})
        # Else aiohttp may send a request again when the connection breaks.
        self._session._retry_connection = False  # noqa: SLF001 - no public way

    async def post(self, url: str, body: bytes, headers: tuple[tuple[str, str], ...]) -> Answered | Failed:
        """See `ports.Poster`."""
        try:
            async with self._session.post(url, data=body, headers=list(headers), allow_redirects=False) as response:
                await response.content.read(_READ)
                stated = tuple((name.lower(), value) for name, value in response.headers.items())
                response.close()    # whatever is left of it
                return Answered(response.status, stated, self._clock())
        except TimeoutError:
            return Failed(Reason.TIMEOUT, f"no answer within {self._seconds:g} s", self._clock())
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Failed(Reason.NETWORK, _told(error), self._clock())

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()


def _told(error: Exception) -> str:
    """In one line, without the address: it may hold a secret."""
    if isinstance(error, aiohttp.ClientConnectorError):
        number = error.os_error.errno
        return f"connection failed: {os.strerror(number) if number and number > 0 else type(error.os_error).__name__}"
    return f"connection failed: {type(error).__name__}"
