"""``python -m controller``: started by the client, see `xt_core.nodes`."""

import sys

from controller.daemon import main

sys.exit(main(sys.argv[1:]))
