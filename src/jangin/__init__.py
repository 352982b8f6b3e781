"""jangin: physical AI for manufacturing, with evidence. Start with `jangin.task`, the contract."""

__version__ = "0.1.0"
