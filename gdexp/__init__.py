"""gdexp: configurable, exactly repeatable experiments with gradient descent."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gdexp.api import epochs as epochs
    from gdexp.api import runs as runs

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name in ("epochs", "runs"):
        from gdexp import api  # pandas and the store's libraries: not for a bare import

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
