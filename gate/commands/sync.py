"""`gatectl sync`: keep this lane in step with its site's server; and how that goes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gate.commands._config import config_option
from gate.commands._out import clock, console, groups, json_option, say_json
from gate.config import Config, load
from models.link import FromGate, FromSync, SyncStatus
from models.store.errors import UnsafeKey
from models.wire import from_json, to_json

if TYPE_CHECKING:
    from rich.console import Console

    from models.watch import HeldList
    from sync.post import Post

ANSWER_S = 3.0


class NotRunning(OSError):
    """No sync process answers."""


@click.group("sync", invoke_without_command=True)
@config_option
@click.pass_context
def command(ctx: click.Context, config_path: Path) -> None:
    """Serve until SIGTERM: manifests in, the ledger out, claims in between. The log goes to stderr."""
    ctx.obj = config_path
    if ctx.invoked_subcommand is not None:
        return
    config = load(config_path)
    from gate.log import set_up
    from gate.notify import Notifier
    from sync.agent import Agent
    from sync.metrics import serving

    notifier = Notifier()
    post = replace(_post(config), alive=notifier.at_work)
    set_up(config.gate.log_level)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for each request says nothing

    async def serve() -> None:
        agent = Agent(post)
        task = asyncio.ensure_future(agent.run())
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        async with serving(config.metrics.address, config.metrics_path, agent.status, agent.now):
            with contextlib.suppress(asyncio.CancelledError):
                await task

    asyncio.run(serve())


@command.command("status")
@config_option
@json_option
@click.pass_context
def status(ctx: click.Context, config_path: Path, as_json: bool) -> None:
    """Show whom this lane reaches, what it holds and what is still to be sent. Alone: exit code 1."""
    found = asyncio.run(ask_status(load(_chosen(ctx, config_path)).sync.socket))
    if as_json:
        say_json(found)
    else:
        _show(found)
    ctx.exit(0 if found.reach != "alone" else 1)


def _chosen(ctx: click.Context, config_path: Path) -> Path:
    """The file named behind `status`, or before it."""
    named = ctx.get_parameter_source("config_path") is not click.core.ParameterSource.DEFAULT
    return config_path if named or ctx.obj is None else Path(ctx.obj)


def _post(config: Config) -> Post:
    """What the sync process is given. Raises `NotEnrolled`, `UnsafeKey`."""
    from gate.commands.manifest import trusted
    from models.store.keys import load_or_make_signing_key
    from models.store.vault import DeviceKey
    from sync.enrolment import read
    from sync.post import Post

    papers = read(config.gate.state_dir)
    for path in (config.secrets.signing_key, config.secrets.device_key):
        if not path.exists():
            raise UnsafeKey(f"{path} is missing, and the site knows this lane by it: enrol it again")
    return Post(
        gate=config.gate.name,
        state_dir=config.gate.state_dir,
        socket=config.sync.socket,
        enrolment=papers,
        signing_key=load_or_make_signing_key(config.secrets.signing_key),
        device_key=DeviceKey.load(config.secrets.device_key),
        issuers=trusted(config, only_there=True),
        contact_s=config.sync.contact_s,
        manifest_days=config.keep.manifest_days,
        key_file=config.secrets.signing_key,
    )


async def ask_status(path: Path) -> SyncStatus:
    """What the sync process on this socket says of itself. Raises `NotRunning`."""
    try:
        async with asyncio.timeout(ANSWER_S):
            reader, writer = await asyncio.open_unix_connection(str(path))
            writer.write(to_json(FromGate(status=True)) + b"\n")
            async for line in reader:
                word = from_json(FromSync, line)
                if word.status is not None:
                    writer.close()
                    return word.status
    except (OSError, TimeoutError):
        pass
    raise NotRunning(f"no sync process answers on {path}: start it with gatectl sync")


def _show(found: SyncStatus) -> None:
    out = console()
    colour = "green" if found.reach != "alone" else "red"
    out.print(f"{found.site}, device {found.device}", style="bold")
    out.print(f"server    {found.server}: {found.reach}", style=colour)
    last = f"{time.time() - found.contact_at:.0f} s ago" if found.contact_at else "never"
    out.print(f"contact   {last}; the doorbell {'is heard' if found.doorbell else 'is not heard'}")
    held = found.manifest
    if found.erased:
        out.print("manifest  destroyed: the event's persons were erased by the centre", style="yellow")
    elif found.wiped:
        out.print("manifest  destroyed: this lane was revoked", style="red")
    elif held is None:
        out.print("manifest  none")
    else:
        out.print(f"manifest  {held.event}, version {held.version}, {held.tickets:,} tickets")
        out.print(f"          {groups(held.digest)}")
    _show_list(out, found.watch)
    out.print(f"ledger    {found.acknowledged:,} of {found.written:,} lines are held by the server")
    if found.trouble:
        out.print(f"trouble   {found.trouble}", style="yellow")
    for one in found.refusals:
        out.print(f"refused   {clock(one.at)} {one.what} ({one.code}): {one.detail}", style="yellow")


def _show_list(out: Console, held: HeldList | None) -> None:
    if held is None:
        out.print("list      none")
        return
    age, too_old = time.time() - held.issued_at, time.time() > held.expires_at
    told = "too old: it does nothing" if too_old else f"confirmed {age / 3600:.1f} h ago"
    style = "red" if too_old else None
    out.print(f"list      {held.site}, revision {held.revision}, {held.count:,} entries, {told}", style=style)
    out.print(f"          {groups(held.digest)}")
