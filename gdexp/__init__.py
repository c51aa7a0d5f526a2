"""gdexp: configurable, exactly repeatable experiments with gradient descent."""

__version__ = "0.1.0"
