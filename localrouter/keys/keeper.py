"""The keeper: a short-lived child that makes one keyring call. The only import of keyring.

`python -m localrouter.keys.keeper get NAME...|set NAME|rm NAME`; a value comes on stdin and goes to stdout (for `get` as a JSON
object of name to value or null), never on a command line.
Exit codes: 0 done, 3 there is none, 4 no keyring on this machine, 5 the keyring failed.
"""

from __future__ import annotations

import json
import sys

SERVICE = "localrouter"


def main(argv: list[str]) -> int:
    import keyring
    import keyring.errors

    verb, *names = argv
    try:
        if verb == "get":
            json.dump({name: keyring.get_password(SERVICE, name) for name in names}, sys.stdout)
        elif verb == "set":
            keyring.set_password(SERVICE, names[0], sys.stdin.read())
        else:
            keyring.delete_password(SERVICE, names[0])
    except keyring.errors.NoKeyringError:
        return 4
    except keyring.errors.PasswordDeleteError:
        return 3
    except Exception as exc:
        # The name of the error only: a backend's text may quote what it was given.
        sys.stderr.write(type(exc).__name__)
        return 5
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
