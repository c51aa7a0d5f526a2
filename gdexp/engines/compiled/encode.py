"""How inputs that are bytes, most of them zero, become codes."""

from gdexp.engines.compiled.inputs import FURTHEST, UNIT
from gdexp.engines.compiled.kernels import jit_entry


@jit_entry
def encode(raw, ptr, codes):
    """Write the codes of raw, (n, n_in), one example after the other.

    The groups of example i are ptr[i] to ptr[i + 1].
    """
    at = 0
    for i in range(raw.shape[0]):
        before = -1
        for j in range(raw.shape[1]):
            if raw[i, j] != 0:
                step = j - before
                while step > FURTHEST:  # on the way, by a code of value 0
                    codes[at] = FURTHEST
                    at, step = at + 1, step - FURTHEST
                codes[at] = step + 256 * int(raw[i, j])
                at, before = at + 1, j
        while at % UNIT:
            codes[at] = 0
            at += 1
        ptr[i + 1] = at // UNIT
