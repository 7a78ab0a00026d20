"""Templates of the training set (`*.txt`), word lists (`*.tsv`), and the language they are written in."""
