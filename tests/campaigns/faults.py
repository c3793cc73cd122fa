"""Lets a call to the file system fail while a run trains: a full disk, an input/output error, a read-only disk.

The run ends with one line. When the disk is well again, the same command ends on the bits of an undisturbed run.
"""

import errno
import random
from pathlib import Path

from tests.campaigns import commands, kills

SMALL, FULL = 1, 100
ERRORS = (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES, errno.EDQUOT)
prepare = kills.prepare


def case(context: kills.Context, number: int, chosen: random.Random, folder: Path) -> str:
    """Fails from a random call on, or only there."""
    if not context.shim:
        return "skipped: there is no C compiler"
    workdir, error = folder / "run", chosen.choice(ERRORS)
    variables = {"LD_PRELOAD": str(context.shim), "SHIM_FOLDER": str(workdir), "SHIM_ERRNO": str(error)}
    variables |= {"SHIM_NTH": str(chosen.randrange(1, context.calls + 1)), "SHIM_LASTS": str(chosen.randrange(2))}
    code, said = commands.finish(commands.start(commands.command(workdir, kills.EPOCHS), variables))
    assert code == 0 or str(workdir) in said.splitlines()[-1], f"{errno.errorcode[error]}: {said}"
    again, said = commands.finish(commands.start(commands.command(workdir, kills.EPOCHS)))
    assert again == 0 and commands.bits(workdir) == context.bits, said
    return f"{errno.errorcode[error]}: " + ("no difference" if code == 0 else f"exit {code}")
