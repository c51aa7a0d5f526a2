"""gdexp: configurable, exactly repeatable experiments with gradient descent."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gdexp.api import Run as Run
    from gdexp.api import epochs as epochs
    from gdexp.api import run as run
    from gdexp.api import runs as runs

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name in ("Run", "epochs", "run", "runs"):
        from gdexp import api  # Hydra, pandas, the store's libraries: not for a bare import

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
