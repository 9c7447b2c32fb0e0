#!/bin/sh
# readme.sh: prints the blocks of README.md that a reader can paste after `make run` alone, in their order.
awk '/^## / { wanted = /^## (The first curl|Protecting other programs)/ }
    /^```$/ { on = 0 }
    on
    wanted && /^```sh$/ { on = 1 }' "$(dirname "$0")/../README.md"
