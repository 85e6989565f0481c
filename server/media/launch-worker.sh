#!/bin/sh
# Starts the media worker in a session of its own, so that a signal to Weir's process group (Ctrl-C, service managers)
# reaches Weir alone, which then closes its workers in order. The worker keeps this process's id and channel.
if command -v setsid >/dev/null 2>&1; then
  exec setsid "$MEDIASOUP_WORKER_BIN" "$@"
fi
exec perl -MPOSIX -e 'POSIX::setsid(); exec @ARGV or die $!' "$MEDIASOUP_WORKER_BIN" "$@"
