#!/usr/bin/env bash
# Builds mediasoup-worker from the sources inside the installed npm package, against Debian's libraries: no download.
# Usage: [JOBS=n] [TMPDIR=directory] build.sh PACKAGE_DIRECTORY OUTPUT_FILE     (PACKAGE_DIRECTORY: node_modules/mediasoup)
# README.md beside this file says what it needs, and why each change to the sources is made.
set -euo pipefail
package=$(realpath "$1") output=$2 here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp -r "$package/worker/." "$work"
rm -rf "$work/subprojects"
cp -r "$here/subprojects" "$work/subprojects"
cp "$here/include/RTC/SendRtpMapping.hpp" "$work/include/RTC/"

# Usage: change FILE PATTERN REPLACEMENT   Fails if the sources have become different, rather than building them unchanged.
change() {
  grep -qE "$2" "$work/$1" || { echo "$1 has no '$2' any more: look at this change again" >&2; exit 1; }
  sed -i -E "s/$2/$3/g" "$work/$1"
}
change meson.build "meson_version: '>= [0-9.]+'" "meson_version: '>= 1.0.0'"
change src/RTC/DtlsTransport.cpp '\(operationType == BIO_CB_RETURN\) \?' '((operationType \& BIO_CB_RETURN) != 0) ?'
probation=src/RTC/RTP/ProbationGenerator.cpp
change $probation 'static thread_local uint8_t ProbationPacketBuffer\[[^]]*\];' ''
change $probation '\bProbationPacketBuffer\b' 'this->probationPacketBuffer'
change include/RTC/RTP/ProbationGenerator.hpp '\/\/ Allocated by this\.' 'uint8_t probationPacketBuffer[ProbationPacketMaxLength]{};'
change include/RTC/Transport.hpp '#include "RTC\/SctpListener\.hpp"' '#include "RTC\/SctpListener.hpp"\n#include "RTC\/SendRtpMapping.hpp"'
change include/RTC/Transport.hpp 'SharedInterface\* shared\{ nullptr \};' 'SharedInterface* shared{ nullptr };\n\t\tRTC::SendRtpMapping sendRtpMapping;'
change src/RTC/Transport.cpp 'this->mapConsumers\[consumerId\] = consumer;' '\0\n\t\t\t\tthis->sendRtpMapping.Read(consumer->GetRtpParameters().codecs);'
change src/RTC/WebRtcTransport.cpp 'const uint8_t\* data = packet->GetBuffer\(\);' 'const uint8_t* data = this->sendRtpMapping.Map(packet->GetBuffer(), packet->GetLength());'

meson setup --buildtype release -Db_ndebug=true "$work/build" "$work"
ninja -C "$work/build" ${JOBS:+-j "$JOBS"} mediasoup-worker
install -D -m 755 "$work/build/mediasoup-worker" "$output"
