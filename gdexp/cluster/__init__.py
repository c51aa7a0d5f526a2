"""The launcher for many machines: jobs on the workers of a Dask cluster.

The command composes and validates, and hands each job over as a Dask task. A worker trains in a
folder of its own; what it writes there comes back over the cluster's connections, the journal in
pieces while the job runs. So workers need neither the menu, nor a shared file system, nor MLflow.
"""
