# auth.c main.c
# A request is answered before its COMMIT.
s/^static void commit(struct call \*c)$/extern int late;\nint late;\n&/
s/^\tstore_commit();$/\tlate = 1;/
s|^#include "store.h"|&\n#include "store/engine.h"|
s/^int main(/extern int late;\n&/
s/^\tstore_tidy();$/\tif (late)\n\t\tstore_commit();\n&/
