"""Prepares an image set for data.name: writes it into the data directory, in the format of TensorFlow Datasets.

    python -m experiments.prepare_data --name=mnist                # downloads the raw files
    python -m experiments.prepare_data --name=mnist --source=DIR   # or takes them from DIR, without a network

Neither command needs TensorFlow; both verify checksums and take about 10 s.
"""

from absl import flags

from experiments.launch import answer, launch

NAME = flags.DEFINE_string("name", "", "mnist, fashion_mnist or kmnist")
SOURCE = flags.DEFINE_string("source", "", "directory with the four raw .gz files; empty: download them")
DATA_DIR = flags.DEFINE_string("data_dir", "", "where to put it; empty: TFDS_DATA_DIR, else ~/tensorflow_datasets")


def main() -> None:
    from aejax.data import idx, nearest, tfds
    from aejax.errors import UserError

    name, data_dir = NAME.value, tfds.root(DATA_DIR.value)
    done = "is already prepared"
    if tfds.find(name, data_dir) is None:
        if name not in idx.CLASSES:
            raise UserError(
                f"aejax cannot prepare --name={name}: {nearest(name, list(idx.CLASSES))}; to prepare another TFDS "
                "image set, install TensorFlow and run `tfds build NAME --file_format=array_record`"
            )
        idx.prepare(name, data_dir, SOURCE.value)
        done = "is prepared"
    if (directory := tfds.find(name, data_dir)) is None:
        raise RuntimeError(f"{name} was prepared but is not in {data_dir}")
    counts = [f"{count} {split} rows" for split, count in tfds.row_counts(directory).items()]
    answer(f"{name} {done} in {directory}: {', '.join(counts)}")


if __name__ == "__main__":
    launch(main)
