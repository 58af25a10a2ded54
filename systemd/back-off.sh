#!/bin/sh
# A service's last ExecStopPost: each failure within two minutes of another waits longer before systemd starts it anew.
# systemd's own RestartSteps came with version 254, and Debian 12 has 252. The count lives in the unit's runtime
# directory, which outlasts restarts and goes with an ordinary stop.
[ "${SERVICE_RESULT:-success}" != success ] && [ -d "${RUNTIME_DIRECTORY:-}" ] || exit 0
count=$RUNTIME_DIRECTORY/failures
[ -z "$(find "$count" -mmin +2 2>/dev/null)" ] || rm -f "$count"
failures=$(cat "$count" 2>/dev/null || echo 0)
echo $((failures + 1)) >"$count"
case $failures in
0) wait_s=0 ;;
1) wait_s=1 ;;
2) wait_s=2 ;;
3) wait_s=4 ;;
4) wait_s=8 ;;
*) wait_s=15 ;;
esac
exec "${MENSHEN_SLEEP:-sleep}" "$wait_s"
