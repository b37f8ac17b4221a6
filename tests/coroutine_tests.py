"""Coroutines as tests: a stage runs them, and hands them what they ask for by name."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

Coroutine = Callable[..., Awaitable[None]]


def against_stage(
    run: Callable[..., None],
    **openers: Callable[[Any], contextlib.AbstractAsyncContextManager[Any]],
) -> Callable[..., Callable[[Coroutine], Callable[..., None]]]:
    """Make the decorator of a stage, ``@against(option=...)``.

    Args:
        run: runs a coroutine function against an exchange with these options.
        openers: open at the exchange what a test may ask for besides ``exchange`` itself.

    Whatever else a test asks for is a fixture of pytest's.
    """

    def against(**options: Any) -> Callable[[Coroutine], Callable[..., None]]:
        def decorate(scenario: Coroutine) -> Callable[..., None]:
            signature = inspect.signature(scenario)
            asked = [name for name in openers if name in signature.parameters]

            @functools.wraps(scenario)
            def test(**fixtures: Any) -> None:
                async def whole(exchange: Any) -> None:
                    async with contextlib.AsyncExitStack() as stack:
                        for name in asked:
                            opened = openers[name](exchange)
                            fixtures[name] = await stack.enter_async_context(opened)
                        await scenario(exchange=exchange, **fixtures)

                run(whole, **options)

            theirs = [
                each
                for name, each in signature.parameters.items()
                if name not in ("exchange", *openers)
            ]
            test.__signature__ = signature.replace(parameters=theirs)  # type: ignore[attr-defined]
            return test

        return decorate

    return against
