"""The latent explorer: one HTML file in which a run's decoders draw whatever lies under the pointer.

The page holds the test rows' codes and the decoders' weights, and decodes in plain JavaScript (decoder.js). It has to
stay below LIMIT bytes: `choices` says what is left out first, and the page says what was.
"""

from html import escape
from pathlib import Path

import numpy as np

from aejax import records
from aejax.engine import programs
from aejax.errors import UserError
from aejax.plan import parts
from aejax.reports import page
from aejax.reports.explorer.blob import Blob, text_of
from aejax.reports.explorer.contents import describe
from aejax.reports.explorer.members import LIMIT, Choice, Shown, choices, show, with_decoders
from aejax.reports.settings import setting_name

HERE = Path(__file__).parent
SCRIPTS = ("decoder.js", "draw.js", "codes.js", "frame.js", "controls.js", "explorer.js")  # one after the other


def write(workdir: Path, output: Path) -> list[str]:
    """Writes the page of a run, or of all its shards, and returns what it leaves out, in sentences.

    Raises UserError if there is no run, or if a model has no decoder.
    """
    groups = [(directory, group) for directory, plan in parts(workdir).items() for group in programs.make_groups(plan)]
    for _, group in groups:
        if not group.task.model.decode:
            raise UserError(f"model.name={group.config.model.name} has no decoder: there is nothing to explore")
    data = groups[0][1].dataset.sha256
    found = [shown for directory, group in groups if group.dataset.sha256 == data for shown in show(directory, group)]
    finite = [shown for shown in found if np.isfinite(shown.view.codes).all()]
    if not finite:
        raise UserError(f"every member of {workdir} diverged: there is nothing to explore")
    others = sum(len(group.members) for _, group in groups) - len(found)
    diverged = len(found) - len(finite)
    notes = [f"Members whose data differ from the first member's are left out: {others}."] if others else []
    notes += [f"Members that diverged are left out: {diverged}."] if diverged else []
    finite = list(with_decoders(sorted(finite, key=lambda shown: shown.member.index)))
    for choice in choices(finite):
        html, said = assemble(workdir.resolve().name, choice, notes + left_out(choice, finite))
        if len(html.encode()) < LIMIT:
            records.write(output, html)
            return said
    raise UserError(f"{workdir}: a page of one member would take more than {LIMIT:,} bytes")


def left_out(choice: Choice, finite: list[Shown]) -> list[str]:
    """What the page lacks, in sentences."""
    settings = {setting_name(one.member.setting) for one in finite}
    notes = []
    if len(choice.members) < len(finite) and len(choice.members) == len(settings):
        notes.append(f"Only one seed of each setting is here, because {len(finite)} members take more than a page.")
    if len(choice.members) < len(settings):
        notes.append(f"Only {len(choice.members)} of {len(settings)} settings are here, one seed of each.")
    grids = [one for one in choice.members if one.member.index not in choice.decoders]
    for unknown, why in ((True, "this page cannot compute"), (False, "is too large for this page")):
        if mine := [one for one in grids if (one.num_chars == 0) == unknown]:
            notes.append(f"Members whose decoder {why}, so that a grid of decoded points is drawn: {len(mine)}.")
    return notes


def assemble(title: str, choice: Choice, notes: list[str]) -> tuple[str, list[str]]:
    """The page, and all that it says it leaves out."""
    blob = Blob()
    contents = describe(title, choice, notes, blob)
    packed = blob.packed()
    html = page.fill(
        HERE / "explorer.html",
        styles=[HERE / "explorer.css"],
        scripts=[HERE / name for name in SCRIPTS],
        title=escape(title),
        contents=page.embedded(contents | {"packed": len(packed)}),
        blob=text_of(packed),
    )
    return html, contents["notes"]
