#!/bin/sh
# trial start|up: a new version is on trial until the gate has come up with it. Before each start (`start`) the tries are
# counted, and the fourth begins with the former version put back by one rename; when the gate is ready (`up`) the trial
# is over. It lies outside of all versions, so that none of them can break the way back.
set -eu
cd "${MENSHEN_OPT:-/opt/menshen}"
[ -f trial ] || exit 0
{
    read -r former
    read -r newer
} <trial
if [ "$(readlink current || true)" != "$newer" ] || [ "$1" = up ]; then # the switch never came, or all is well
    rm -f trial trial.tries
    exit 0
fi
tries=$(cat trial.tries 2>/dev/null || echo 0)
case $tries in *[!0-9]* | "") tries=0 ;; esac
if [ "$tries" -lt 3 ]; then
    echo $((tries + 1)) >.tries
    mv -T .tries trial.tries
elif [ -f "$former/complete" ]; then
    ln -sfn "$former" .current
    mv -T .current current
    mv -T trial returned
    rm -f trial.tries
fi
sync -f .
