"""Compiled code that is read from Numba's cache without loading Numba's compiler.

Before it looks into its cache, Numba imports and registers all that its compiler knows: 0.4 s of
CPU for each process, a third of a command's start. Code that is compiled already asks for none of
it, and where Numba has to compile after all, the compiler sees to that by itself.
"""

from typing import Any

import numba
from numba.core.runtime.nrt import rtsys

KNOWN = ("0.68.",)  # this is done inside of Numba: other versions are left as they are, and slower


def read_only(dispatcher: Any) -> Any:
    """Have a function of Numba's take what it has in its cache as it is; gives the function."""
    cache = getattr(dispatcher, "_cache", None)  # there is none where Numba is told not to compile
    if cache is not None and numba.__version__.startswith(KNOWN):

        def load(signature: Any, target: Any) -> Any:
            rtsys.initialize(target)  # counts references to arrays: compiled code calls it
            with cache._guard_against_spurious_io_errors():
                return cache._load_overload(signature, target)

        cache.load_overload = load
    return dispatcher
