"""``syft-web backup`` and ``syft-web restore``: copies of a grid on SQLite."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from syft_web.cli.grid import DEFAULT_DATABASE

__all__ = ["add_command"]


def add_command(commands: Any) -> None:
    """Declare both commands and their options."""
    backup = commands.add_parser(
        "backup",
        help="copy the database of a grid that may be running",
        description="Copies an SQLite database into a new file, as it was at one moment. "
        "For PostgreSQL use pg_dump.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    backup.set_defaults(run=_backup)
    restore = commands.add_parser(
        "restore",
        help="put such a copy in the place of a grid's database",
        description="Writes what 'syft-web backup' made into an SQLite database. Stop the grid "
        "first. For PostgreSQL use pg_restore.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    restore.add_argument("--replace", action="store_true", help="overwrite a database")
    restore.set_defaults(run=_restore)
    for command in (backup, restore):
        command.add_argument("file", type=Path, help="the copy")
        command.add_argument("--database", default=DEFAULT_DATABASE, metavar="URL", help="which")


def _backup(options: argparse.Namespace) -> int:
    from syft_web.grid.backup import back_up

    back_up(options.database, options.file)
    print(f"Wrote {options.file}")
    return 0


def _restore(options: argparse.Namespace) -> int:
    from syft_web.grid.backup import restore

    restore(options.database, options.file, replace=options.replace)
    print(f"Restored {options.database} from {options.file}")
    return 0
