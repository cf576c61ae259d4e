#!/bin/sh
# Starts workerd, with all the file descriptors it may have, and so that it ends with the process that started it.
if ! [ "$(ulimit -n)" -ge "$ORION_DESCRIPTORS" ]; then ulimit -n "$ORION_DESCRIPTORS"; fi 2> /dev/null
if setpriv --pdeathsig KILL true 2> /dev/null; then
  exec setpriv --pdeathsig KILL "$ORION_WORKERD" "$@"
fi
exec "$ORION_WORKERD" "$@"
