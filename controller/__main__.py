"""``python -m controller [READY_FD]``: started by the client, see `xt_core.nodes`."""

import sys

from controller.daemon import main

sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else None))
