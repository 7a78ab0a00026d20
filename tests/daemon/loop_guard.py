"""A daemon whose event loop may not block: started by test_inspecting.py instead of `localrouter.daemon.serve`.

blockbuster raises where a call on a thread with a running loop would wait for a disk, a lock, a socket or a sleep. It is switched on
when the daemon listens; what serve() itself does before its first and after its last request blocks nobody.
"""

from __future__ import annotations

import sys

from blockbuster import BlockBuster

from localrouter.daemon import serve

guard = BlockBuster()
for function in guard.functions.values():
    function.can_block_in("localrouter/daemon/serve.py", {"serve"})
sys.exit(serve.main(announce=lambda *_: guard.activate()))
