#!/bin/sh
# Starts the media worker in a session of its own, so that a signal to Weir's process group (Ctrl-C, service managers)
# reaches Weir alone, which then closes its workers in order. The worker keeps this process's id and channel.
# Where the system can, it also kills the worker when Weir is killed: a worker hears that its channel has ended, unless
# it is frozen.
leash=
if setpriv --pdeathsig KILL true 2>/dev/null; then leash='setpriv --pdeathsig KILL'; fi
if command -v setsid >/dev/null 2>&1; then
  exec setsid $leash "$MEDIASOUP_WORKER_BIN" "$@"
fi
exec perl -MPOSIX -e 'POSIX::setsid(); exec @ARGV or die $!' $leash "$MEDIASOUP_WORKER_BIN" "$@"
