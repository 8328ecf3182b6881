"""The API on one page for people, made from the table of operations."""

from collections.abc import Sequence
from html import escape

from roadstead.http.credentials import TOKEN_FIELD
from roadstead.http.fields import known_fields
from roadstead.http.operation import Access, Operation

_ACCESS = {
    Access.OPEN: "open to all",
    Access.BEARER: "token",
    Access.BASIC: "token, or username and password",
    Access.LOCAL: "open on this machine, else an administrator's token",
}

_HEAD = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>API · Roadstead</title>
  <link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
  <link rel="stylesheet" href="/assets/site.css">
</head>
<body>
  <a class="skip" href="#main">Skip to content</a>
  <header class="bar">
    <a class="brand" href="/"><img src="/assets/icon.svg" alt="" width="28" height="28">\
Roadstead</a>
    <nav aria-label="Pages">
      <a href="/docs/api" aria-current="page">API</a>
      <a href="/openapi.json">OpenAPI</a>
    </nav>
  </header>
  <main id="main" class="api">
    <div>
      <h1>API</h1>
      <p class="lead">Send a token as <code>Authorization: Bearer …</code>. Bodies are JSON or
        forms, answers are JSON. What the field knows and this version does not serve
        yet answers 501 and says so.</p>
    </div>
"""

_FOOT = """  </main>
  <footer>The same for tools: <a href="/openapi.json">OpenAPI 3.1</a>.</footer>
</body>
</html>
"""


def render(operations: Sequence[Operation]) -> str:
    """The page: one table for each noun."""
    offered = [row for row in operations if row.offered and row.described]
    tags = dict.fromkeys(operation.tag for operation in offered)
    sections = (_section(tag, [row for row in offered if row.tag == tag]) for tag in tags)
    return _HEAD + "".join(sections) + _FOOT


def _section(tag: str, operations: Sequence[Operation]) -> str:
    anchor = escape(tag.lower().replace(" ", "-"))
    rows = "".join(_row(operation) for operation in operations)
    return f"""    <section aria-labelledby="{anchor}">
      <h2 id="{anchor}">{escape(tag)}</h2>
      <div class="scroll" role="region" aria-labelledby="{anchor}" tabindex="0"><table>
        <thead><tr><th scope="col">Request</th><th scope="col">What it does</th>\
<th scope="col">Body</th><th scope="col">Who may</th></tr></thead>
        <tbody>{rows}</tbody>
      </table></div>
    </section>
"""


def _row(operation: Operation) -> str:
    path = escape(operation.path.replace("*}", "}"))
    fields = ", ".join(f"<code>{escape(name)}</code>" for name in _fields(operation)) or "–"
    right = operation.permission.value if operation.permission else ""
    return (
        f'<tr><td><span class="method">{operation.method}</span> <code>{path}</code></td>'
        f"<td>{escape(operation.summary)}</td><td>{fields}</td>"
        f"<td>{_ACCESS[operation.access]}<small>{escape(right)}</small></td></tr>\n"
    )


def _fields(operation: Operation) -> list[str]:
    if operation.body is None:
        return []
    return sorted(known_fields(operation.body) - {TOKEN_FIELD})
