"""Where examples come from: embedded, downloaded, generated, or the user's own files."""

from gdexp.data.digits import Digits
from gdexp.data.examples import Batch, Dataset, Examples
from gdexp.data.houses import Houses
from gdexp.data.images import Images
from gdexp.data.mnist import Mnist
from gdexp.data.table import Table
from gdexp.data.table_file import Csv, Parquet

__all__ = [
    "Batch",
    "Csv",
    "Dataset",
    "Digits",
    "Examples",
    "Houses",
    "Images",
    "Mnist",
    "Parquet",
    "Table",
]
