"""The page of a line: `page(answer)` gives one self-contained HTML document, for the plant and for who doubts it."""

from jangin.line.page.page import page

__all__ = ["page"]
