"""The benchmark harness: contenders behind one load generator and one mock upstream, in one run."""
