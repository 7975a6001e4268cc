"""Steps on the terminal: a spinner with elapsed and expected time, or plain lines where there is no terminal."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console

_PLAIN_EVERY_SECONDS = 30.0
_SPINNER_EVERY_SECONDS = 0.5


def duration(seconds: float) -> str:
    """`8 s`, `1 min 5 s`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


@dataclass
class Step:
    """One running step. `detail` may be changed at any time by whoever does the work."""

    title: str
    expected_seconds: float | None
    started: float
    detail: str = ""
    finished: threading.Event = field(default_factory=threading.Event)

    def line(self) -> str:
        text = f"{self.title} ({duration(time.monotonic() - self.started)}"
        if self.expected_seconds:
            text += f" of about {duration(self.expected_seconds)}"
        return f"{text}) {self.detail}".rstrip()


@dataclass
class Progress:
    console: Console

    @contextmanager
    def step(self, title: str, *, expected_seconds: float | None = None) -> Iterator[Step]:
        step = Step(title=title, expected_seconds=expected_seconds, started=time.monotonic())
        watcher = threading.Thread(target=self._watch, args=(step,), daemon=True)
        watcher.start()
        try:
            yield step
        except BaseException:
            self._end(step, watcher)
            self.console.print(f"[red]✗[/red] {title}")
            raise
        self._end(step, watcher)
        took = duration(time.monotonic() - step.started)
        self.console.print(f"[green]✓[/green] {title} [dim]{took} {step.detail}[/dim]", highlight=False)

    def say(self, text: str) -> None:
        self.console.print(text, highlight=False, soft_wrap=True)

    @staticmethod
    def _end(step: Step, watcher: threading.Thread) -> None:
        step.finished.set()
        watcher.join()

    def _watch(self, step: Step) -> None:
        if not self.console.is_terminal:
            while not step.finished.wait(_PLAIN_EVERY_SECONDS):
                self.console.print(f"… {step.line()}", highlight=False)
            return
        with self.console.status(step.line()) as status:
            while not step.finished.wait(_SPINNER_EVERY_SECONDS):
                status.update(step.line())
