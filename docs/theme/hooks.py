"""What the site has beside the pages of docs/: the README, notebooks, and the files that a page links to.

Links are written as they lead through the repository, and are changed here to lead through the site.
"""

import json
import posixpath
import re
from base64 import b64decode
from pathlib import Path

from markdown import Extension
from mkdocs.structure.files import File

ROOT = Path(__file__).parent.parent.parent
PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


class TwoSpaces(Extension):
    """Blocks in lists are indented by two spaces, as on GitHub."""

    def extendMarkdown(self, md):
        md.tab_length = 2


def on_config(config):
    config.markdown_extensions.append(TwoSpaces())
    return config


def on_files(files, config):
    """Adds the pages that are not in docs/, with their pictures."""

    def add(path, content):
        files.append(File.generated(config, path, content=content))

    texts = {f"docs/{file.src_uri}": Path(file.abs_src_path).read_text("utf-8") for file in files.documentation_pages()}
    texts |= {name: (ROOT / name).read_text("utf-8") for name in PAGES}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        name = f"notebooks/{path.name}"
        texts[name], pictures = notebook(path)
        for picture, content in pictures.items():
            add(f"notebooks/{picture}", content)
    shown = set()
    for name, text in texts.items():
        if not name.startswith("docs/"):
            add(place(name), linked(text, name))
        shown |= {target for link in LINK.findall(text) if place(target := resolved(link, name)).startswith("source/")}
    shown |= {f"{name}/{file.name}" for name in shown for file in (ROOT / name).glob("[a-z]*.py")}
    for name in sorted(shown):
        add(place(name), source(name))
    return files


def on_page_markdown(markdown, page, config, files):
    return markdown if page.file.generated_by else linked(markdown, f"docs/{page.file.src_uri}")


def on_page_content(html, page, config, files):
    if sum(len(item.children) for item in page.toc) == 0:  # nothing to list beside the page: wide tables get the room
        page.meta["hide"] = ["toc"]


def resolved(link, name):
    """The path in the repository to which a link in the file `name` leads."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), link))


def place(name):
    """The path in the site of a file or folder of the repository."""
    if name in PAGES:
        return PAGES[name]
    if name.startswith("docs/") and not name.startswith("docs/theme/"):
        return name.removeprefix("docs/")
    return name.replace(".ipynb", ".md") if name.startswith("notebooks/") else f"source/{name}.md"


def linked(text, name):
    """The text of the file `name` with links that lead through the site."""
    start = posixpath.dirname(place(name))
    return LINK.sub(lambda link: f"]({posixpath.relpath(place(resolved(link[1], name)), start or '.')}", text)


def source(name):
    """A page that shows a file, or lists the modules of a folder; the search leaves it out."""
    path, head = ROOT / name, f"---\nsearch: {{exclude: true}}\n---\n\n# {name}\n\n"
    if path.is_dir():
        modules = sorted(file.name for file in path.glob("[a-z]*.py"))
        return head + "\n".join(f"- [{module}]({path.name}/{module}.md)" for module in modules)
    return f"{head}````{path.suffix[1:]}\n{path.read_text('utf-8')}````\n"


def notebook(path):
    """The cells and outputs of a notebook as Markdown, and its pictures by name."""
    parts, pictures = [], {}
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        text = "".join(cell["source"])
        parts.append(text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```")
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "image/png" in data:
                name = f"{path.stem}_{len(pictures)}.png"
                pictures[name] = b64decode(data["image/png"])
                parts.append(f"![What the cell draws]({name})")
            elif printed := "".join(output.get("text", data.get("text/plain", ""))).strip():
                parts.append(f"```text\n{printed}\n```")
    return "\n\n".join(parts), pictures
