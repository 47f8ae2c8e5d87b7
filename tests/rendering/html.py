"""What a mail's HTML is checked for: balanced tags, nothing remote, nothing that runs."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "br", "img"}
ALLOWED = {"html", "head", "meta", "title", "style", "body", "div", "span", "table", "tr", "td", "h1", "a", "b", "br", "img"}
ATTRIBUTES = {
    "lang", "charset", "name", "content", "style", "class", "role", "width", "height", "cellpadding", "cellspacing", "border",
    "align", "valign", "bgcolor", "href", "rel", "src", "alt",
}  # fmt: skip


class Page(HTMLParser):
    """A parsed page: its text, links and pictures. Fails on anything unbalanced or not allowed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.pictures: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED, f"<{tag}> at {self.getpos()}"
        given = dict(attrs)
        assert set(given) <= ATTRIBUTES, f"<{tag}> has {set(given) - ATTRIBUTES}"
        assert len(given) == len(attrs), f"<{tag}> has an attribute twice"
        if tag == "table":
            assert given.get("role") == "presentation"
        if tag == "a":
            self.links.append(given["href"] or "")
        if tag == "img":
            self.pictures.append(given["src"] or "")
            assert given["alt"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> at {self.getpos()} closes {self.open[-1:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)
