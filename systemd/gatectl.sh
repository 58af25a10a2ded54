#!/bin/sh
# gatectl of this version, and of no other: the name is followed to its end, so that a gate at work never loads half of
# the version that is put in place meanwhile.
here=$(dirname "$(readlink -f "$0")")
exec "$here/python" -P -m gate.cli "$@"
