"""How `gatectl check` tells its findings: to people with cause and fix, to programs as JSON, and again only news."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

import click

from gate.check.catalogue import EXITS, Finding, Severity, meanings
from gate.commands._out import clock, say_json

_COLOURS = {Severity.NOTE: "cyan", Severity.WARNING: "yellow", Severity.ERROR: "red", Severity.FATAL: "bright_red"}
_QUIET = {"en": {"well": "well", "unseen": "not looked at"}, "zh": {"well": "正常", "unseen": "未检查"}}
_GRAVITY = {
    "en": {one: one.name.lower() for one in Severity},
    "zh": dict(zip(Severity, ("正常", "提示", "警告", "错误", "致命"), strict=True)),
}
_LABELS = {"en": ("cause", "fix", "gone"), "zh": ("原因", "处理", "已消除")}


class Report:
    """Writes round after round. `worst` is the gravest of the last one."""

    def __init__(self, language: str, as_json: bool) -> None:
        self.worst = Severity.OK
        self._language, self._as_json = language, as_json
        self._meanings = meanings(language)
        self._known: dict[str, tuple[Finding, ...]] = {}

    def tell(
        self, found: Iterable[tuple[str, tuple[Finding, ...] | None]], *, again: bool = False, partial: bool = False
    ) -> None:
        """Tell a round, each concern as soon as it was looked at; `again`: only what came or went since the last.

        Devices are not opened again in a `partial` round: what was found of them stands.
        """
        kept = {"devices", "camera"} if partial else set()
        for concern, findings in found:
            before = self._known.get(concern, ())
            now = findings or (before if concern in kept else ())
            self._known[concern] = now
            self._tell(
                concern,
                [one for one in now if not again or not _held(one, before)],
                "" if again or now else "well" if findings is not None else "unseen",
            )
            for one in before if again else ():
                if not _held(one, now):
                    self._gone(concern, one)
        self.worst = max((one.code.severity for each in self._known.values() for one in each), default=Severity.OK)
        if not again or not self._as_json:
            self._sum(again)

    def _tell(self, concern: str, findings: list[Finding], quiet: str) -> None:
        if quiet and not self._as_json:
            words, colour = _QUIET[self._language][quiet], "green" if quiet == "well" else "white"
            click.echo(f"{concern:<14} " + click.style(words, fg=colour))
        for one in findings:
            if self._as_json:
                say_json(self._row(concern, one))
            else:
                self._print(concern, one)

    def _row(self, concern: str, one: Finding) -> dict[str, str]:
        told = self._meanings[one.code.value]
        return {
            "concern": concern,
            "code": one.code.value,
            "severity": one.code.severity.name.lower(),
            "subject": one.subject,
            "detail": one.detail,
            "what": told.what,
            "cause": told.cause,
            "fix": told.fix,
        }

    def _print(self, concern: str, one: Finding) -> None:
        told, (cause, fix, _) = self._meanings[one.code.value], _LABELS[self._language]
        gravity = click.style(
            f"{one.code.value} {_GRAVITY[self._language][one.code.severity]}", fg=_COLOURS[one.code.severity], bold=True
        )
        click.echo(f"{concern:<14} {gravity}: {told.what}{f' [{one.subject}]' if one.subject else ''}")
        if one.detail:
            click.echo(f"{'':<15}{one.detail}")
        if one.code.severity > Severity.NOTE:
            click.echo(f"{'':<15}{cause}: {told.cause}")
            click.echo(f"{'':<15}{fix}: {told.fix}")

    def _gone(self, concern: str, one: Finding) -> None:
        if self._as_json:
            say_json({"concern": concern, "code": one.code.value, "severity": "ok", "subject": one.subject})
        else:
            gone = click.style(_LABELS[self._language][2], fg="green")
            click.echo(f"{concern:<14} {one.code.value} {gone}: {self._meanings[one.code.value].what} [{one.subject}]")

    def _sum(self, again: bool) -> None:
        if again:
            return
        counts = {one: 0 for one in Severity if one}
        for each in self._known.values():
            for found in each:
                counts[found.code.severity] += 1
        if self._as_json:
            told = {severity.name.lower(): count for severity, count in counts.items()}
            say_json({"worst": self.worst.name.lower(), "exit": exits(self.worst), "at": time.time(), **told})
            return
        words = ", ".join(f"{_GRAVITY[self._language][one]} {count}" for one, count in counts.items() if count)
        click.echo(f"{clock(time.time())}  {words or _QUIET[self._language]['well']}")


def language_of(environment: Mapping[str, str]) -> str:
    """The one of the catalogue's languages that a locale asks for."""
    told = next(filter(None, (environment.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return "zh" if told.startswith("zh") else "en"


def exits(worst: Severity) -> int:
    """The exit code."""
    return EXITS[worst]


def _held(one: Finding, others: tuple[Finding, ...]) -> bool:
    """By code and subject: a figure that moved is no news."""
    return any((one.code, one.subject) == (other.code, other.subject) for other in others)
