"""Parts of the tests with real clients: installing, running, the host behind them, the task they do, the table."""
