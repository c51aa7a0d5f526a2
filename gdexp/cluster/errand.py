"""What a worker is sent to do; it imports `gdexp.cluster.working` beside its event loop."""

from gdexp.cluster.parcels import Answer, Order


def carry_out(order: Order) -> Answer:
    """Carry out a job on a worker of the cluster.

    Parameters
    ----------
    order : Order
    """
    from gdexp.cluster.working import carried_out

    return carried_out(order)
