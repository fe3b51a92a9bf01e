"""The emulator: its control plane, and the API that it emulates."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self

import aiohttp

from deploy.local.samples import UUID

SEVERAL = 16
"""Calls at once."""

PAGE = 500
MOST = 1000
"""Images that are listed: the newest."""


class Refused(Exception):
    """The emulator did not do what it was asked; the message is for people."""


class Emulator:
    def __init__(self, session: aiohttp.ClientSession, token: str) -> None:
        self._session = session
        self._token = token
        self._several = asyncio.Semaphore(SEVERAL)

    @classmethod
    @asynccontextmanager
    async def at(cls, url: str, token: str) -> AsyncIterator[Self]:
        timeout = aiohttp.ClientTimeout(total=15)
        async with aiohttp.ClientSession(url, timeout=timeout, trust_env=False) as session:
            yield cls(session, token)

    async def control(self, method: str, path: str, given: object = None) -> Any:
        """A call of the control plane. Raises Refused."""
        return await self._call(method, f"/_emulator/{path}", given, {})

    async def api(self, method: str, path: str, given: object = None, *, token: str = "") -> Any:
        """A call of the emulated API. Raises Refused."""
        return await self._call(method, path, given, {"X-Auth-Token": token or self._token})

    async def image(self, image_id: str) -> dict[str, Any] | None:
        """An image as the control plane shows it; None if there is none."""
        if not UUID.fullmatch(image_id):
            return None
        try:
            found: dict[str, Any] = await self.control("GET", f"images/{image_id}")
        except Refused:
            return None
        return found

    async def listed(self) -> list[dict[str, Any]]:
        """The newest images as the API lists them."""
        found: list[dict[str, Any]] = []
        marker = ""
        while len(found) < MOST:
            page = (await self.api("GET", f"/v2/cloudimages?limit={PAGE}{marker}"))["images"]
            found += page
            if len(page) < PAGE:
                break
            marker = f"&marker={page[-1]['id']}"
        return found[:MOST]

    async def images(self) -> list[dict[str, Any]]:
        """The same with their tags, which the list does not hold."""
        found = await self.listed()
        shown = (await self.control("GET", "images"))["images"]
        tags = {image["id"]: image["tags"] for image in shown}
        return [image | {"tags": tags.get(image["id"], {})} for image in found]

    async def described(
        self, image_ids: Iterable[str], listed: Iterable[Mapping[str, Any]] = ()
    ) -> dict[str, Mapping[str, Any]]:
        """By id, these images as IMS describes them, and those that they were made from.

        listed: some that are known already, since the lists describe an image as fully.
        """
        at_hand = {image["id"]: image for image in listed}
        known: dict[str, Mapping[str, Any]] = {}
        wanted = set(image_ids)
        while wanted:
            missing = [each for each in wanted if each not in at_hand]
            answers = zip(missing, await asyncio.gather(*map(self._described, missing)), strict=True)
            found = {each: at_hand[each] for each in wanted if each in at_hand}
            found |= {each: image for each, image in answers if image is not None}
            known |= found
            parents = {str(image.get("__originalimagename") or "") for image in found.values()}
            wanted = {each for each in parents if UUID.fullmatch(each) and each not in known}
        return known

    async def _described(self, image_id: str) -> dict[str, Any] | None:
        if not UUID.fullmatch(image_id):
            return None
        try:
            found: dict[str, Any] = await self.api("GET", f"/v2/images/{image_id}")
        except Refused:
            return None
        return found

    async def calls(self) -> list[dict[str, Any]]:
        """The newest calls of the emulated API, oldest first."""
        found: list[dict[str, Any]] = (await self.control("GET", "calls"))["calls"]
        return found

    async def _call(self, method: str, path: str, given: object, headers: dict[str, str]) -> Any:
        async with self._several:
            try:
                async with self._session.request(method, path, json=given, headers=headers) as reply:
                    content = await reply.read()
                    if not reply.ok:
                        words = content.decode(errors="replace")[:300]
                        raise Refused(f"The emulator answered {reply.status}: {words}")
                    return await reply.json() if content else None
            except (aiohttp.ClientError, TimeoutError) as error:
                raise Refused(f"The emulator does not answer: {type(error).__name__}.") from None
